// Owns `lockstep user import`: accounts from elsewhere, one JSON object on each line, with their bcrypt hashes. Signing
// in verifies such a hash and replaces it with a better one: `domain/accounts/passwords.ts`.

import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import { EmailAddress, UpdateUserInput, Username } from "@lockstep/kit";
import type { Command } from "commander";
import { z } from "zod";
import type { Domain } from "../compose-domain.ts";
import type { Passwords } from "../domain/accounts/passwords.ts";
import type { NewUser } from "../domain/accounts/users.ts";
import { commandLine } from "../domain/kernel/audit.ts";
import { type AdminProcess, CommandError, withDomain } from "./command.ts";
import { type Line, linesOf } from "./lines.ts";
import { writeJson, writeLine } from "./output.ts";

/** Users that one statement writes: all of them or none. */
const batchSize = 500;

const maxLineBytes = 64 * 1024;

/** Strict, so that a misspelt property is an error. */
const importedUser = (roles: readonly string[]) =>
  z.strictObject({
    username: Username,
    email: EmailAddress.nullable().default(null),
    emailVerified: z.boolean().default(false),
    fullName: UpdateUserInput.shape.fullName.optional(),
    passwordHash: z.string(),
    disabled: z.boolean().default(false),
    role: z.enum(roles as [string, ...string[]]).default("user"),
  });

type ImportedUser = ReturnType<typeof importedUser>;

/** The outcome of a line. */
type Outcome =
  | { readonly line: number; readonly outcome: "imported"; readonly username: string; readonly id: string }
  | { readonly line: number; readonly outcome: "skipped"; readonly username: string; readonly reason: string }
  | { readonly line: number; readonly outcome: "failed"; readonly reason: string };

/** A line that was read: a user to write, or the reason why it is invalid. */
type ReadLine =
  | { readonly line: number; readonly user: NewUser }
  | { readonly line: number; readonly user: null; readonly reason: string };

export const addUserImportCommand = (user: Command, admin: AdminProcess) => {
  const { roles } = admin.app.contract;
  user
    .command("import")
    .description("Imports users with their bcrypt hashes, from JSON lines")
    .argument("<file>", "the file, or - for standard input")
    .option("--json", 'print {"line", "outcome", …} for each line')
    .addHelpText(
      "after",
      `
Each line is a JSON object:
  username      required
  passwordHash  required: plain bcrypt ($2a$, $2b$ or $2y$), replaced by a stronger one at the first sign-in
  email         default: none
  emailVerified whether the address was proved elsewhere, so that it can recover the account; default: false
  fullName      default: the username
  role          ${roles.join(" or ")}; default: user
  disabled      default: false

A line that cannot be imported is reported with its number and the reason, and the import continues. A username
that already exists is skipped and stays unchanged, so an interrupted import can be repeated.
The outcome of a line is "imported", "skipped" or "failed". Exit code 4: at least one failed.

Example:
  $ cat users.jsonl
  {"username":"jane","email":"jane@example.com","passwordHash":"$2b$12$…"}
  $ npm run lockstep -- user import users.jsonl`,
    )
    .action(async (file: string, { json }: { json?: true }) => {
      const count = { imported: 0, skipped: 0, failed: 0 };
      await withDomain(admin, async (domain) => {
        for await (const outcome of importUsers(
          linesOf(bytesOf(file, admin), maxLineBytes),
          domain,
          importedUser(roles),
        )) {
          count[outcome.outcome]++;
          if (json) await writeJson(admin.stdout, outcome);
          else if (outcome.outcome !== "imported") {
            await writeLine(admin.stderr, `Line ${outcome.line} ${outcome.outcome}: ${outcome.reason}`);
          }
        }
      });
      const { imported, skipped, failed } = count;
      if (!json) await writeLine(admin.stdout, `${imported} imported, ${skipped} skipped, ${failed} failed.`);
      if (failed > 0) {
        throw new CommandError("incomplete", `${failed} ${failed === 1 ? "line was" : "lines were"} not imported.`);
      }
    });
};

async function* bytesOf(file: string, { directory, stdin }: AdminProcess): AsyncGenerator<Uint8Array> {
  if (file === "-") {
    yield* stdin as AsyncIterable<Uint8Array>;
    return;
  }
  try {
    yield* createReadStream(resolve(directory, file)) as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw new CommandError("failed", `The file cannot be read: ${(error as Error).message}.`);
  }
}

/** The outcome of each line, in order, once it is in the database. Skips empty lines. */
async function* importUsers(lines: AsyncIterable<Line>, domain: Domain, schema: ImportedUser): AsyncGenerator<Outcome> {
  let batch: ReadLine[] = [];
  let usernames = new Set<string>();
  for await (const line of lines) {
    const read = readLine(line, domain.passwords, schema);
    if (read === null) continue;
    // Of two lines with the same username, the second must find the first in the database.
    if (batch.length === batchSize || (read.user && usernames.has(read.user.username))) {
      yield* writeBatch(batch, domain);
      batch = [];
      usernames = new Set();
    }
    batch.push(read);
    if (read.user) usernames.add(read.user.username);
  }
  yield* writeBatch(batch, domain);
}

async function* writeBatch(batch: readonly ReadLine[], { users, accounts }: Domain): AsyncGenerator<Outcome> {
  const newUsers = batch.flatMap(({ user }) => user ?? []);
  const created = newUsers.length > 0 ? await accounts.createAll(newUsers, commandLine) : [];
  const idOf = new Map(created.map(({ username, id }) => [username, id]));
  for (const read of batch) {
    const { line } = read;
    if (read.user === null) {
      yield { line, outcome: "failed", reason: read.reason };
      continue;
    }
    const { username } = read.user;
    const id = idOf.get(username);
    if (id !== undefined) yield { line, outcome: "imported", username, id };
    else if (await users.findByLogin(username)) {
      yield { line, outcome: "skipped", username, reason: `the username ${username} exists already` };
    } else yield { line, outcome: "failed", reason: `email: another account uses the address of ${username}` };
  }
}

/** `null`: an empty line. */
const readLine = ({ number: line, bytes }: Line, passwords: Passwords, schema: ImportedUser): ReadLine | null => {
  const unreadable = (reason: string) => ({ line, user: null, reason });
  if (bytes === null) return unreadable(`longer than ${maxLineBytes / 1024} KiB`);
  let value: unknown;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    if (text.trim() === "") return null;
    value = JSON.parse(text);
  } catch {
    // The parser's message quotes its input, which may contain a hash.
    return unreadable("not JSON in UTF-8");
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) return unreadable(parsed.error.issues.map(issueText).join("; "));
  const { fullName, passwordHash, emailVerified, ...user } = parsed.data;
  const imported = passwords.import(passwordHash);
  if (imported === null) return unreadable("passwordHash: not a bcrypt hash of the kind $2a$, $2b$ or $2y$");
  const emailProof = emailVerified ? ("vouched" as const) : null;
  return { line, user: { ...user, emailProof, fullName: fullName ?? user.username, passwordHash: imported } };
};

/** Never prints a value, and only known names of properties: misplaced text could be a hash. */
const issueText = (issue: z.core.$ZodIssue): string => {
  if (issue.code === "unrecognized_keys") {
    const names = issue.keys.filter((key) => /^\w{1,40}$/.test(key));
    return names.length > 0
      ? `fields that are not known: ${names.slice(0, 10).join(", ")}`
      : "fields that are not known";
  }
  const field = issue.path.join(".");
  return field ? `${field}: ${issue.message}` : issue.message;
};
