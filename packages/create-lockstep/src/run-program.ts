// Owns how the commands run npm, pnpm and git.

import { spawn } from "node:child_process";
import { Refusal } from "./refusal.ts";

export interface RunOptions {
  readonly directory: string;
  readonly signal: AbortSignal;
  /** Shows what the program prints while it runs. Left out: it is kept, and returned. */
  readonly shown?: boolean;
}

export interface Ended {
  readonly succeeded: boolean;
  /** What it printed, on both streams. */
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
      // An abort: the program ends, and is waited for, before anything of it is deleted.
      else if (error.name !== "AbortError") reject(error);
    });
    child.on("close", (code) => resolve({ succeeded: code === 0, output }));
  });

/** Without what `npm create` tells of itself: a package manager that runs below it works in another folder. */
export const environmentOf = (env: Readonly<Record<string, string | undefined>>) =>
  Object.fromEntries(
    Object.entries(env).filter(
      ([name]) => !/^npm_(package_|lifecycle_|command$|config_(local_prefix|package|call|yes)$)/i.test(name),
    ),
  );
