// Owns the admin commands as a process: with `start.ts`, the only file that touches `process`.

import { runAdmin } from "./admin/program.ts";
import type { App } from "./app.ts";

/**
 * Runs one `lockstep` command of an app as this process.
 * @param root the folder that settings are relative to
 */
export const startAdmin = async (app: App, { root }: { readonly root: string }): Promise<never> => {
  // The reader may close the pipe (`| head`): the failing write ends the command.
  process.stdout.on("error", () => {});

  const exitCode = await runAdmin(process.argv.slice(2), {
    app,
    env: process.env,
    root,
    // pnpm runs scripts in the project's root; file arguments are relative to the operator's folder.
    directory: process.env["INIT_CWD"] ?? process.cwd(),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
  });
  process.exit(exitCode);
};
