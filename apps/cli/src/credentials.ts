// Owns reading a username and a password: from prompts, or from lines of standard input if that is not a terminal. Never
// a password from an argument, which `ps` and the shell's history would show.

import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { DemoError } from "./report.ts";

export interface CredentialSource {
  /** Absent: read before the password. */
  readonly username: string | undefined;
  readonly input: Readable & { readonly isTTY?: boolean };
  /** The stream for prompts, separate from the demo's output. */
  readonly prompts: Writable;
}

/** @throws DemoError when the user interrupts a prompt, or the input ends too early */
export const readCredentials = async (source: CredentialSource): Promise<{ username: string; password: string }> => {
  const reader = source.input.isTTY ? readPrompts(source) : readLines(source.input);
  try {
    const username = source.username ?? (await reader.username());
    return { username, password: await reader.password() };
  } finally {
    reader.close();
  }
};

interface CredentialReader {
  username(): Promise<string>;
  password(): Promise<string>;
  close(): void;
}

const readPrompts = ({ input, prompts }: CredentialSource): CredentialReader => {
  const answerOf = (answer: string | symbol | undefined): string => {
    // Clack returns a symbol after Ctrl-C.
    if (typeof answer === "symbol") throw new DemoError("Interrupted. Not signed in.");
    return answer ?? "";
  };
  return {
    async username() {
      const { text } = await import("@clack/prompts");
      return answerOf(await text({ message: "Username or e-mail address", input, output: prompts }));
    },
    async password() {
      const { password } = await import("@clack/prompts");
      return answerOf(await password({ message: "Password", input, output: prompts }));
    },
    close() {},
  };
};

const readLines = (input: Readable): CredentialReader => {
  const reader = createInterface({ input, terminal: false, crlfDelay: Number.POSITIVE_INFINITY });
  const lines = reader[Symbol.asyncIterator]();
  const next = async (name: string) => {
    const { value, done } = await lines.next();
    if (done) throw new DemoError(`Standard input ended before the ${name}. Write each on a line of its own.`);
    return value;
  };
  return { username: () => next("username"), password: () => next("password"), close: () => reader.close() };
};
