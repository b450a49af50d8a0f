// Owns the admin commands as a process: with `start.ts`, the only file that touches `process`.

import type { AddCommand } from "./admin/command.ts";
import { runAdmin } from "./admin/program.ts";
import type { App } from "./app.ts";

/** The options of `startAdmin`. */
export interface AdminOptions {
  /** The folder that settings are relative to. */
  readonly root: string;
  /** Commands of other packages, such as `addEjectCommand` of `@lockstep/pages/eject`. */
  readonly commands?: readonly AddCommand[];
}

/** Runs one `lockstep` command of an app as this process. */
export const startAdmin = async (app: App, { root, commands = [] }: AdminOptions): Promise<never> => {
  // The reader may close the pipe (`| head`): the failing write ends the command.
  process.stdout.on("error", () => {});

  const exitCode = await runAdmin(process.argv.slice(2), {
    app,
    env: process.env,
    root,
    commands,
    // pnpm runs scripts in the project's root; file arguments are relative to the operator's folder.
    directory: process.env["INIT_CWD"] ?? process.cwd(),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
  });
  process.exit(exitCode);
};
