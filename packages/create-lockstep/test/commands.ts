// Owns running the commands in tests: in this process, in a folder for each test, with the template of this repository.

import { execFileSync } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable, Writable } from "node:stream";
import { runCommand } from "../src/program.ts";
import { type RunProgram, runProgram } from "../src/run-program.ts";

/** This package as it is published: its manifest and its templates. */
export const makePackage = async () => {
  const folder = await mkdtemp(join(tmpdir(), "create-lockstep-package-"));
  await cp(join(import.meta.dirname, "../package.json"), join(folder, "package.json"));
  execFileSync(process.execPath, [join(import.meta.dirname, "../scripts/make-template.ts"), join(folder, "template")]);
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
};

export interface Typed {
  /** The answers of a user at a terminal; Ctrl-C after the last one. Without them, there is no terminal. */
  readonly answers?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The working directory, below the folder of the test. */
  readonly within?: string;
  readonly signal?: AbortSignal;
  readonly runProgram?: RunProgram;
}

/** The cursor is hidden once for each question. */
const question = "\u001b[?25l";
const ctrlC = "\u0003";

/** An empty folder in which to run `create-lockstep …`. */
export const openFolder = async (packageFolder: string) => {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "create-lockstep-")));
  return {
    folder,
    /** Everything in the folder, by path. */
    content: async () => (await readdir(folder, { recursive: true })).sort(),
    makeFolder: (name: string) => mkdir(join(folder, name), { recursive: true }),

    async type(argv: readonly string[], typed: Typed = {}) {
      const waiting = [...(typed.answers ?? [])];
      const stdin = typed.answers ? new PassThrough() : Readable.from([]);
      if (typed.answers) Object.assign(stdin, { isTTY: true, setRawMode: () => stdin });
      const output = { stdout: "", stderr: "" };
      const collected = (name: keyof typeof output) =>
        new Writable({
          write(chunk: Buffer, _, done) {
            output[name] += chunk;
            if (stdin instanceof PassThrough && String(chunk).includes(question))
              setImmediate(() => stdin.write(waiting.shift() ?? ctrlC));
            done();
          },
        });
      const exitCode = await runCommand(
        argv,
        {
          env: typed.env ?? {},
          directory: join(folder, typed.within ?? ""),
          stdin,
          stdout: collected("stdout"),
          stderr: collected("stderr"),
          runProgram: typed.runProgram ?? runProgram,
          signal: typed.signal ?? new AbortController().signal,
        },
        packageFolder,
      );
      return { exitCode, ...output };
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
};
