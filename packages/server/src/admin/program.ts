// Owns the `lockstep` command line: its commands, its general help, and how each outcome is reported.

import { Command, CommanderError } from "commander";
import { StartError } from "../start-error.ts";
import { addAuditCommand } from "./audit.ts";
import { addClientCommands } from "./clients.ts";
import { type AdminProcess, CommandError, exitCodes } from "./command.ts";
import { addDatabaseCommands } from "./database.ts";
import { addDoctorCommand } from "./doctor.ts";
import { addKeyCommands } from "./keys.ts";
import { addMailCommands } from "./mail.ts";
import { addMigrateCommand } from "./migrate.ts";
import { write, writeLine } from "./output.ts";
import { addProviderCommands } from "./providers.ts";
import { addUserFactorCommands } from "./user-factors.ts";
import { addUserCommands } from "./users.ts";

/** Runs one command and returns its exit code. */
export const runAdmin = async (argv: readonly string[], admin: AdminProcess): Promise<number> => {
  const exitCode = await run(argv, admin);
  // Everything written before is flushed when this is.
  await Promise.all([admin.stdout, admin.stderr].map((stream) => write(stream, "").catch(() => {})));
  return exitCode;
};

const run = async (argv: readonly string[], admin: AdminProcess): Promise<number> => {
  try {
    await createProgram(admin).parseAsync(argv, { from: "user" });
    return exitCodes.done;
  } catch (error) {
    const [exitCode, message] = ending(error);
    if (message) await writeLine(admin.stderr, message);
    return exitCode;
  }
};

const ending = (error: unknown): [exitCode: number, message: string | null] => {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return [exitCodes.done, null];
    if (!error.code.startsWith("commander.")) return [error.exitCode, error.message];
    // Without a command, Commander prints the help.
    if (error.code === "commander.help") return [exitCodes.usage, null];
    return [exitCodes.usage, usageMessage(error)];
  }
  if (error instanceof CommandError) return [error.exitCode, error.message];
  if (error instanceof StartError) return [exitCodes.failed, error.message];
  if (!(error instanceof Error)) return [exitCodes.failed, String(error)];
  if ((error as NodeJS.ErrnoException).code === "EPIPE") return [exitCodes.failed, null];
  // A bug, or an unavailable database. Print only the stack: a database error also contains the row.
  return [exitCodes.failed, error.stack ?? error.message];
};

/** Commander's message without the values that it quotes: one may be a password. */
const usageMessage = ({ code, message }: CommanderError): string => {
  switch (code) {
    case "commander.excessArguments":
      return `${message.replace(/ but got .*/s, "")}.${seeHelp}`;
    case "commander.unknownOption": {
      const option = /'(--[^=']*|-.)/.exec(message)?.[1] ?? "";
      const hint = /^--?pass/i.test(option)
        ? " A password is never an argument, which other users of this machine could see. It is entered at a prompt, or read from standard input."
        : "";
      return `error: unknown option '${option}'.${hint}${seeHelp}`;
    }
    default:
      return `${message.replaceAll("\n", " ").replace(/[^.]$/, "$&.")}${seeHelp}`;
  }
};

const seeHelp = " See --help.";

const createProgram = (admin: AdminProcess) => {
  const program = new Command("lockstep")
    .description("Administers a Lockstep backend through its database. The server need not be running.")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void admin.stdout.write(text),
      writeErr: (text) => void admin.stderr.write(text),
      // `ending` prints it.
      outputError: () => {},
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .addHelpText("after", generalHelp);
  addDoctorCommand(program, admin);
  addMigrateCommand(program, admin);
  addDatabaseCommands(program, admin);
  addUserFactorCommands(addUserCommands(program, admin), admin);
  addClientCommands(program, admin);
  addKeyCommands(program, admin);
  addProviderCommands(program, admin);
  addMailCommands(program, admin);
  addAuditCommand(program, admin);
  for (const add of admin.commands ?? []) add(program, admin);
  return program;
};

const generalHelp = `
Settings come from the environment, like the server's: DATABASE_URL, SECRET, PEPPER … (docs/settings.md).
Commands about users, clients, keys, mails and the audit log need a database that \`lockstep migrate\` has migrated.

With --json, standard output contains only JSON, with one value on each line, so that a list of
a million users can be read line by line. Messages and errors are sentences on standard error.
npm prints the command on standard output first; \`npm run -s lockstep -- …\` does not.

Exit codes:
    0  done
    1  refused or failed: one sentence on standard error says why; doctor, db check: something was found
    2  wrong usage: nothing was changed
    3  the user, client, key, mail or identity provider does not exist
    4  import: some lines were not imported
  130  interrupted at a prompt

Examples:
  $ npm run lockstep -- migrate
  $ npm run lockstep -- user create jane --email jane@example.com --name "Jane Doe"
  $ npm run -s lockstep -- user list --json | jq -r .email
  $ npm run lockstep -- client create "Photo app" --redirect https://photos.example/callback --scope profile:read
  $ npm run lockstep -- audit --since 24h
  $ npm run lockstep -- doctor`;
