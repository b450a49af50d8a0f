// Owns `lockstep keys`: what can be seen of the keys that tokens are signed with. Never a private part.

import type { Command } from "commander";
import { type AdminProcess, withDomain } from "./command.ts";
import { aligned, instant, write, writeJson } from "./output.ts";

export const addKeyCommands = (program: Command, admin: AdminProcess) => {
  const keys = program.command("keys").description("The keys that tokens are signed with");

  keys
    .command("list")
    .description("Lists the keys, oldest first")
    .option("--json", 'print {"id", "ordinal", "algorithm", "createdAt", "signing"} on a line for each key')
    .addHelpText(
      "after",
      `
ID is the \`kid\` of the tokens that a key signed. The newest key signs; the others still verify.
In JSON, "createdAt" is in epoch milliseconds.

Example:
  $ pnpm lockstep keys list --json | jq -r 'select(.signing).id'`,
    )
    .action(async ({ json }: { json?: true }) => {
      const list = await withDomain(admin, async ({ keyring }) => {
        const signing = keyring.signing();
        return keyring.list().map(({ id, ordinal, algorithm, createdAt }) => ({
          id,
          ordinal,
          algorithm,
          createdAt,
          signing: id === signing.id,
        }));
      });
      if (json) {
        for (const key of list) await writeJson(admin.stdout, key);
        return;
      }
      const rows = list.map((key) => [
        key.id,
        key.algorithm,
        key.signing ? "signs" : "verifies",
        instant(key.createdAt),
      ]);
      await write(admin.stdout, aligned([["ID", "ALGORITHM", "USE", "CREATED"], ...rows]));
    });
};
