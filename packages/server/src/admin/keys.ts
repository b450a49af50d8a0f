// Owns `lockstep keys`: the keys that sign tokens, listed and changed by operators. Never shows a private part.

import { type Command, Option } from "commander";
import { commandLine } from "../domain/kernel/audit.ts";
import { type Keyring, type SigningAlgorithm, signingAlgorithms } from "../domain/tokens/keyring.ts";
import { type AdminProcess, CommandError, withDomain } from "./command.ts";
import { aligned, instant, visible, write, writeJson, writeLine } from "./output.ts";

interface Options {
  readonly json?: true;
}

export const addKeyCommands = (program: Command, admin: AdminProcess) => {
  const keys = program.command("keys").description("The keys that sign tokens");

  keys
    .command("list")
    .description("Lists the keys that are not retired, oldest first")
    .option("--json", "print each key on a line")
    .addHelpText("after", aboutKeys)
    .addHelpText("after", example(`npm run -s lockstep -- keys list --json | jq -r 'select(.state == "signing").id'`))
    .action(({ json }: Options) =>
      withDomain(admin, async ({ keyring }) => {
        const list = viewsOf(keyring);
        if (json) {
          for (const key of list) await writeJson(admin.stdout, key);
          return;
        }
        const rows = list.map((key) => [
          key.id,
          key.algorithm,
          key.state,
          instant(key.signsFrom),
          instant(key.createdAt),
        ]);
        await write(admin.stdout, aligned([["ID", "ALGORITHM", "STATE", "SIGNS FROM", "CREATED"], ...rows]));
      }),
    );

  keys
    .command("rotate")
    .description("Adds the next key of each algorithm: published at once, signing a little later")
    .addOption(new Option("--algorithm <name>", "of this algorithm only").choices(signingAlgorithms))
    .option("--json", "print each new key on a line")
    .addHelpText("after", aboutRotation)
    .addHelpText("after", example("npm run lockstep -- keys rotate"))
    .action(({ json, algorithm }: Options & { readonly algorithm?: SigningAlgorithm }) =>
      withDomain(admin, async ({ keyring }) => {
        for (const each of algorithm ? [algorithm] : keyring.algorithms()) {
          const id = await keyring.rotate(commandLine, each);
          const key = viewsOf(keyring).find((view) => view.id === id);
          if (!key) throw new CommandError("failed", "Another command has retired the new key.");
          if (json) await writeJson(admin.stdout, key);
          else
            await writeLine(
              admin.stdout,
              `${key.id} (${each}) is published, and signs from ${instant(key.signsFrom)}.`,
            );
        }
      }),
    );

  keys
    .command("retire")
    .description("Retires a key at once: its tokens are refused from now on")
    .argument("<kid>", "the key's ID, as printed by `keys list`")
    .option("--json", "print the key that signs now")
    .addHelpText("after", aboutRetirement)
    .addHelpText("after", example("npm run lockstep -- keys retire Jr0W6zY2…"))
    .action((id: string, { json }: Options) =>
      withDomain(admin, async ({ keyring }) => {
        const successor = await keyring.retire(id, commandLine);
        if (!successor) throw new CommandError("notFound", `There is no key ${visible(id)}.`);
        if (json)
          return await writeJson(
            admin.stdout,
            viewsOf(keyring).find((view) => view.id === successor.id),
          );
        await writeLine(admin.stdout, `${id} is retired. ${successor.id} signs.`);
      }),
    );
};

/** The shown properties of keys, named one by one so that no private part is among them. */
const viewsOf = (keyring: Keyring) =>
  keyring.list().map(({ id, ordinal, algorithm, state, createdAt, signsFrom }) => ({
    id,
    ordinal,
    algorithm,
    state,
    createdAt,
    signsFrom,
  }));

const example = (commandLine: string) => `
Example:
  $ ${commandLine}`;

const aboutKeys = `
ES256 keys sign access tokens, and ID tokens of clients that registered for it; RS256 keys sign all other ID tokens.
ID is the \`kid\` of the tokens that a key signed. STATE is one of
  coming     published at /jwks, does not sign yet
  signing    signs new tokens
  verifying  no longer signs; its tokens are still valid
  past       all of its tokens have expired

A key in JSON: {"id", "ordinal", "algorithm", "state", "createdAt", "signsFrom"}; times are in epoch milliseconds.`;

const aboutRotation = `
No valid token is refused: the new key is published five minutes before it signs, and the previous key verifies
until its last token has expired. Servers rotate automatically when the newest key of an algorithm is 90 days old.`;

const aboutRetirement = `
For a key that may have leaked. Running servers notice it within five seconds. Clients then get new tokens with
their refresh tokens, and nobody has to sign in again. The newest remaining key of the algorithm that already signs
takes over; if there is none, a new key signs at once. Exit code 3: the key does not exist.`;
