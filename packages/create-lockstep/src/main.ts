#!/usr/bin/env node
// The process of `npm create lockstep` and `npx create-lockstep upgrade`.

import { runCommand } from "./program.ts";
import { runProgram } from "./run-program.ts";

const interruption = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => interruption.abort());

process.exitCode = await runCommand(process.argv.slice(2), {
  env: process.env,
  // npm starts the command in the folder in which the user typed it.
  directory: process.cwd(),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  runProgram,
  signal: interruption.signal,
});
