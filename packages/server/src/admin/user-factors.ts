// Owns `lockstep user factors`: the second factors and passkeys of a user, as operators see and remove them.

import type { Factor } from "@lockstep/kit";
import { type Command, Option } from "commander";
import { commandLine } from "../domain/kernel/audit.ts";
import { type AdminProcess, withDomain } from "./command.ts";
import { aligned, instant, write, writeJson, writeLine } from "./output.ts";
import { aboutUserArgument, findUser, userArgument } from "./users.ts";

export const addUserFactorCommands = (user: Command, admin: AdminProcess) => {
  const factors = user.command("factors").description("Second factors and passkeys of a user");

  factors
    .command("list")
    .description("Lists the factors of a user")
    .argument("<user>", aboutUserArgument, userArgument)
    .option("--json", "print each factor on a line")
    .addHelpText("after", "\nExample:\n  $ npm run lockstep -- user factors list jane")
    .action((login: string, { json }: { json?: true }) =>
      withDomain(admin, async (domain) => {
        const found = await findUser(domain, login);
        const list = await domain.factors.list(found.id);
        if (json) for (const factor of list) await writeJson(admin.stdout, factor);
        else if (list.length === 0) await writeLine(admin.stdout, `${found.username} has no factors.`);
        else await write(admin.stdout, aligned([["KIND", "NAME", "ADDED", "LAST USED"], ...list.map(rowOf)]));
        const resetsAt = await domain.factors.resetAt(found.id);
        if (!json && resetsAt !== null) await writeLine(admin.stdout, `They are removed on ${instant(resetsAt)}.`);
      }),
    );

  factors
    .command("require")
    .description("Requires a second factor of a user from the next sign-in on, whatever SECOND_FACTOR says")
    .argument("<user>", aboutUserArgument, userArgument)
    .option("--off", "no longer require it")
    .addHelpText("after", "\nExample:\n  $ npm run lockstep -- user factors require jane")
    .action((login: string, { off = false }: { off?: boolean }) =>
      withDomain(admin, async (domain) => {
        const found = await findUser(domain, login);
        await domain.factors.require(found.id, !off, commandLine);
        const what = off ? "needs a second factor only where SECOND_FACTOR says so" : "needs a second factor";
        await writeLine(admin.stdout, `${found.username} ${what}.`);
      }),
    );

  factors
    .command("reset")
    .description("Removes every factor of a user after a waiting period; for somebody who has lost them all")
    .argument("<user>", aboutUserArgument, userArgument)
    .addOption(new Option("--now <reason>", "at once; the audit log keeps the reason").conflicts("cancel"))
    .option("--cancel", "stop a reset that is under way")
    .addHelpText("after", aboutReset)
    .addHelpText("after", "\nExample:\n  $ npm run lockstep -- user factors reset jane")
    .action((login: string, { now: reason, cancel }: { now?: string; cancel?: true }) =>
      withDomain(admin, async (domain) => {
        const found = await findUser(domain, login);
        const say = (line: string) => writeLine(admin.stdout, line);
        if (cancel) {
          const stopped = await domain.factors.cancelReset(found.id, commandLine);
          return say(
            stopped ? `The factors of ${found.username} stay.` : `No reset of ${found.username} is under way.`,
          );
        }
        const resetsAt = reason === undefined ? await domain.factors.requestReset(found.id, commandLine) : null;
        if (resetsAt !== null) {
          const unless = `unless ${found.username} signs in with one of them first`;
          return say(`The factors of ${found.username} are removed on ${instant(resetsAt)}, ${unless}.`);
        }
        const count = await domain.factors.reset(found.id, commandLine, reason === undefined ? {} : { reason });
        const removed = count === 1 ? "1 factor is" : `${count} factors are`;
        await say(`${removed} removed, and ${found.username} is signed out everywhere.`);
      }),
    );
};

const rowOf = ({ kind, name, createdAt, lastUsedAt }: Factor) => [
  kind,
  name,
  instant(createdAt),
  lastUsedAt === null ? "-" : instant(lastUsedAt),
];

const aboutReset = `
First make sure that the request is from the user: after the reset, the password alone is enough to sign in. The reset
takes effect after FACTOR_RESET_WAIT_SECONDS. The user is told by mail when the wait begins and when it ends, and can
cancel the reset by signing in with a factor. The reset also removes recovery codes and trusted devices, and ends every
session. Where a second factor is required, the user adds one at the next sign-in.`;
