// Owns `lockstep doctor`: what it prints of its checks, and how it ends. The checks: `../doctor/`.

import { type Command, Option } from "commander";
import { type CheckName, checkNames } from "../doctor/check.ts";
import { examine } from "../doctor/examine.ts";
import { type AdminProcess, CommandError } from "./command.ts";
import { visible, writeJson, writeLine } from "./output.ts";

interface Options {
  readonly skip?: readonly CheckName[];
  readonly json?: true;
}

export const addDoctorCommand = (program: Command, admin: AdminProcess) => {
  program
    .command("doctor")
    .description("Finds what is wrong with the settings and with everything that they name")
    .addOption(new Option("--skip <checks...>", "leave these out").choices(checkNames.slice(1)))
    .option("--json", "print each result on a line")
    .addHelpText("after", aboutDoctor)
    .action(async ({ skip = [], json }: Options) => {
      let count = 0;
      const { stdout } = admin;
      await examine(admin, {
        skip,
        async tell(check, outcome) {
          if ("found" in outcome) {
            if (json) return writeJson(stdout, { check, state: "ok", found: outcome.found });
            return writeLine(stdout, line("ok", check, outcome.found));
          }
          if ("because" in outcome) {
            if (json) return writeJson(stdout, { check, state: "skipped", because: outcome.because });
            return writeLine(stdout, line("skipped", check, outcome.because));
          }
          for (const { problem, advice } of outcome.problems) {
            count += 1;
            if (json) await writeJson(stdout, { check, state: "problem", problem, advice });
            else {
              await writeLine(stdout, line("problem", check, problem));
              await writeLine(stdout, line("", "", advice));
            }
          }
        },
      });
      if (count > 0)
        throw new CommandError("failed", count === 1 ? "1 problem was found." : `${count} problems were found.`);
      if (!json) await writeLine(stdout, "Nothing is wrong.");
    });
};

const widthOf = (words: readonly string[]) => Math.max(...words.map(({ length }) => length));
const widths = { state: widthOf(["ok", "problem", "skipped"]), check: widthOf(checkNames) };

const line = (state: "ok" | "problem" | "skipped" | "", check: CheckName | "", text: string) =>
  `${state.padEnd(widths.state)}  ${check.padEnd(widths.check)}  ${visible(text)}`;

const aboutDoctor = `
Changes nothing. Run it where the server runs, with the server's environment, while the server runs: it asks the server
at PUBLIC_URL what arrives there. A check that depends on one which failed is skipped, so that each fault is named once.

Checks:
  settings    the settings are valid, and those of production are used in public
  secrets     each secret has a use of its own
  files       nobody else on this machine reads secrets or the database
  database    it takes reads and writes, from as many connections as are configured
  schema      it is migrated to this version
  clock       this machine's clock is the database's
  news        notifications of other servers arrive
  keys        signing keys can be read with SECRET, and are not too old
  passwords   stored passwords can be verified with PEPPER, and nobody has the tutorial's
  clients     the redirect addresses of clients belong to somebody
  mail        the mail server accepts the login; no mail is sent
  providers   the metadata and keys of identity providers can be used
  public-url  this server answers at PUBLIC_URL, and is the issuer
  proxy       the server knows who calls, and callers cannot choose it
  cookies     cookies, Origin and Sec-Fetch-Site arrive unchanged

A result in JSON: {"check", "state": "ok", "found"}, {"check", "state": "problem", "problem", "advice"} or
{"check", "state": "skipped", "because"}. Exit code 1: something was found.

Examples:
  $ npm run lockstep -- doctor
  $ npm run -s lockstep -- doctor --json --skip public-url | jq -r 'select(.state == "problem").problem'`;
