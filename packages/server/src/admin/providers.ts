// Owns `lockstep provider`: the configured identity providers, and whether each can be used. Never shows a client
// secret.

import type { Command } from "commander";
import { loadConfig } from "../config.ts";
import { LoginRefusal } from "../domain/identities/login-refusal.ts";
import { createConfiguredProviders } from "../server.ts";
import { realWorld } from "../world.ts";
import { type AdminProcess, CommandError } from "./command.ts";
import { aligned, visible, write, writeJson, writeLine } from "./output.ts";

interface Options {
  readonly json?: true;
}

export const addProviderCommands = (program: Command, admin: AdminProcess) => {
  const provider = program.command("provider").description("The identity providers that users can sign in with");

  provider
    .command("list")
    .description("Lists the configured identity providers, with the URL to register at each")
    .option("--json", "print each identity provider on a line")
    .addHelpText("after", example("npm run lockstep -- provider list"))
    .action(async ({ json }: Options) => {
      const { providers, publicUrl } = loadConfig(admin.env, admin.root);
      const list = providers.map(({ name, issuer, create }) => ({
        name,
        issuer,
        create,
        callback: `${publicUrl}/login/${name}/callback`,
      }));
      if (json) {
        for (const each of list) await writeJson(admin.stdout, each);
        return;
      }
      const rows = list.map(({ name, issuer, callback }) => [name, issuer, callback]);
      await write(admin.stdout, aligned([["NAME", "ISSUER", "CALLBACK"], ...rows]));
    });

  provider
    .command("check")
    .description("Loads an identity provider's metadata and keys, and reports what is wrong")
    .argument("<name>", "its name in PROVIDERS")
    .option("--json", "print what was found")
    .addHelpText("after", aboutCheck)
    .addHelpText("after", example("npm run lockstep -- provider check google"))
    .action(async (name: string, { json }: Options) => {
      const config = loadConfig(admin.env, admin.root);
      const { providers, outbound } = createConfiguredProviders(config, admin.world ?? realWorld);
      try {
        const found = providers.get(name);
        if (!found) throw new CommandError("notFound", `There is no identity provider ${visible(name)} in PROVIDERS.`);
        const notes = await found.check();
        const callback = `${config.publicUrl}/login/${name}/callback`;
        if (json) return await writeJson(admin.stdout, { name, usable: true, notes, callback });
        for (const note of [...notes, `Register this URL there: ${callback}`])
          await writeLine(admin.stdout, visible(note));
      } catch (error) {
        if (error instanceof LoginRefusal)
          throw new CommandError("failed", `${name} cannot be used: ${visible(error.message)}.`);
        throw error;
      } finally {
        await outbound.close();
      }
    });
};

const example = (commandLine: string) => `
Example:
  $ ${commandLine}`;

const aboutCheck = `
The client ID, the secret and the registered callback URL are checked only at a sign-in: the audit log then has the
identity provider's answer. Exit code 1: the identity provider cannot be used, with the reason. Exit code 3: it is
not in PROVIDERS.`;
