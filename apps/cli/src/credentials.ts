// Owns how the demo learns who signs in with a password: at a prompt, or from lines of standard input when that is no
// terminal. Never a password from an argument, where `ps` and the shell's history keep it.

import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { DemoError } from "./report.ts";

export interface CredentialSource {
  /** Absent: asked for, before the password. */
  readonly username: string | undefined;
  readonly input: Readable & { readonly isTTY?: boolean };
  /** Where prompts appear: not where the demo's answers go. */
  readonly prompts: Writable;
}

/** @throws DemoError when whoever was asked went away. */
export const readCredentials = async (source: CredentialSource): Promise<{ username: string; password: string }> => {
  const next = source.input.isTTY ? promptsOf(source) : linesOf(source.input);
  try {
    const username = source.username ?? (await next.username());
    return { username, password: await next.password() };
  } finally {
    next.close();
  }
};

interface Answers {
  username(): Promise<string>;
  password(): Promise<string>;
  close(): void;
}

const promptsOf = ({ input, prompts }: CredentialSource): Answers => {
  const answered = (answer: string | symbol | undefined): string => {
    if (typeof answer === "symbol") throw new DemoError("Interrupted: nobody was signed in.");
    return answer ?? "";
  };
  return {
    async username() {
      const { text } = await import("@clack/prompts");
      return answered(await text({ message: "Username or e-mail address", input, output: prompts }));
    },
    async password() {
      const { password } = await import("@clack/prompts");
      return answered(await password({ message: "Password", input, output: prompts }));
    },
    close() {},
  };
};

const linesOf = (input: Readable): Answers => {
  const reader = createInterface({ input, terminal: false, crlfDelay: Number.POSITIVE_INFINITY });
  const lines = reader[Symbol.asyncIterator]();
  const next = async (what: string) => {
    const { value, done } = await lines.next();
    if (done) throw new DemoError(`Standard input ended before the ${what}: one line for each is expected there.`);
    return value;
  };
  return { username: () => next("username"), password: () => next("password"), close: () => reader.close() };
};
