// Owns what the commands need from the machine, so that tests can replace it.

import type { Readable, Writable } from "node:stream";
import type { RunProgram } from "./run-program.ts";

export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder in which the user typed the command. */
  readonly directory: string;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly runProgram: RunProgram;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}
