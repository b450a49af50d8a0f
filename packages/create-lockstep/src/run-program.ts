// Owns how the commands run npm, pnpm and git.

import { spawn } from "node:child_process";
import { Refusal } from "./refusal.ts";

export interface RunOptions {
  readonly directory: string;
  readonly signal: AbortSignal;
  /** Shows the program's output while it runs. Without it, the output is collected and returned. */
  readonly shown?: boolean;
}

export interface Ended {
  readonly succeeded: boolean;
  /** The output of both streams. */
  readonly output: string;
}

/** Runs a program to its end. @throws Refusal when it isn't installed. */
export type RunProgram = (program: string, args: readonly string[], options: RunOptions) => Promise<Ended>;

export const runProgram: RunProgram = (program, args, { directory, signal, shown = false }) =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: directory,
      env: environmentOf(process.env),
      stdio: ["ignore", shown ? "inherit" : "pipe", shown ? "inherit" : "pipe"],
      // npm and pnpm are scripts on Windows. No argument comes from the user.
      shell: process.platform === "win32",
      signal,
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (chunk) => {
        output += chunk;
      });
    child.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") reject(new Refusal(`${program} is not installed. Install it, then try again.`));
      // After an abort, wait for the end of the program before its files are deleted.
      else if (error.name !== "AbortError") reject(error);
    });
    child.on("close", (code) => resolve({ succeeded: code === 0, output }));
  });

/** The environment without the variables of `npm create`, which would make a package manager work in another folder. */
export const environmentOf = (env: Readonly<Record<string, string | undefined>>) =>
  Object.fromEntries(
    Object.entries(env).filter(
      ([name]) => !/^npm_(package_|lifecycle_|command$|config_(local_prefix|package|call|yes)$)/i.test(name),
    ),
  );
