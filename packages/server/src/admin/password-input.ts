// Owns how an operator enters a new password: at a hidden prompt, twice, or on standard input when that is not a
// terminal. Never as an argument, which `ps` and the shell's history would show.

import type { Refusal } from "../domain/accounts/password-policy.ts";
import { type AdminProcess, CommandError } from "./command.ts";
import { writeLine } from "./output.ts";

/** More bytes than any accepted password has in UTF-8. */
const maxInputBytes = 16 * 1024;

/**
 * Reads a new password that the policy accepts.
 * @throws CommandError when it is refused; at a prompt, the operator sees why and is asked again
 */
export const readNewPassword = async (
  admin: AdminProcess,
  refusalOf: (password: string) => Promise<Refusal | null>,
): Promise<string> => {
  if (admin.stdin.isTTY) return await askTwice(admin, refusalOf);
  const password = await readLine(admin.stdin);
  const refusal = await refusalOf(password);
  if (refusal) throw new CommandError("failed", refusal.message);
  return password;
};

const askTwice = async (
  admin: AdminProcess,
  refusalOf: (password: string) => Promise<Refusal | null>,
): Promise<string> => {
  for (;;) {
    const password = await ask(admin, "New password");
    const refusal = await refusalOf(password);
    if (refusal) {
      await writeLine(admin.stderr, refusal.message);
      continue;
    }
    if ((await ask(admin, "Repeat the password")) === password) return password;
    await writeLine(admin.stderr, "The passwords differ.");
  }
};

const ask = async ({ stdin, stderr }: AdminProcess, message: string): Promise<string> => {
  const { isCancel, password } = await import("@clack/prompts");
  // Standard output is for the command's result.
  const answer = await password({ message, input: stdin, output: stderr });
  if (isCancel(answer)) throw new CommandError("interrupted", "Interrupted: nothing was changed.");
  return answer ?? "";
};

const readLine = async (stdin: AdminProcess["stdin"]): Promise<string> => {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of stdin as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    sizeBytes += chunk.byteLength;
    if (sizeBytes > maxInputBytes) throw new CommandError("failed", "Standard input has more than a password.");
  }
  const password = decoded(Buffer.concat(chunks)).replace(/\r?\n$/, "");
  if (password === "") throw new CommandError("failed", "Standard input has no password.");
  if (/\p{Cc}/u.test(password)) {
    throw new CommandError("failed", "Standard input must be one line without control characters: the password.");
  }
  return password;
};

const decoded = (bytes: Uint8Array): string => {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new CommandError("failed", "Standard input must be UTF-8.");
  }
};
