// The process of the admin commands: with `main.ts`, the only file that touches `process`.

import { resolve } from "node:path";
import { runAdmin } from "./admin/program.ts";

// Whoever reads the output may go away (`| head`): the write that fails then ends the command.
process.stdout.on("error", () => {});

const exitCode = await runAdmin(process.argv.slice(2), {
  env: process.env,
  root: resolve(import.meta.dirname, "../../.."),
  // pnpm runs scripts in the root of the project; a file is named from where the operator stands.
  directory: process.env["INIT_CWD"] ?? process.cwd(),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
});
process.exit(exitCode);
