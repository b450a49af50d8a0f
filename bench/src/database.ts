// Owns the databases that last as long as a run: SQLite files with the server's schema.

import { createHmac, hkdfSync } from "node:crypto";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type DatabaseUrl, openDatabase } from "@lockstep/server/database";
import { hash } from "@node-rs/bcrypt";
import { fillDatabase, pickStoredSessions, type StoredSession } from "./fill.ts";
import { lockstep, start } from "./processes.ts";

/** `SECRET` of all servers. */
export const secret = "a secret of the benchmark, of thirty-two characters and more";

/** The password of every user in a filled database. */
export const password = "secret";

export interface BenchDatabase {
  readonly file: string;
  readonly url: DatabaseUrl;
  /** The environment of a server on it. */
  readonly env: Record<string, string>;
  remove(): void;
}

/** A database that a server created, with its schema, its signing key and the user john. */
export const newDatabase = async (settings: Record<string, string> = {}): Promise<BenchDatabase> => {
  const directory = mkdtempSync(join(tmpdir(), "lockstep-bench-"));
  const file = join(directory, "bench.db");
  const url: DatabaseUrl = `file:${file}`;
  const env = await prepare(url, settings);
  return { file, url, env, remove: () => rmSync(directory, { recursive: true }) };
};

/** Lets a server create its schema, its signing key and john. Returns the environment of a server on that database. */
export const prepare = async (url: DatabaseUrl, settings: Record<string, string> = {}) => {
  // All calls come from this machine, and would be asked to solve challenges.
  const env = { DATABASE_URL: url, SECRET: secret, TRUST_PROXY: "127.0.0.1", CHALLENGE: "off", ...settings };
  await (await start(lockstep, env)).stop();
  return env;
};

/** A copy of the database for another server. No server may run on the original during the copy. */
export const copyOf = ({ file, env }: BenchDatabase): BenchDatabase => {
  const directory = mkdtempSync(join(tmpdir(), "lockstep-bench-"));
  const copy = join(directory, "bench.db");
  copyFileSync(file, copy);
  return {
    file: copy,
    url: `file:${copy}`,
    env: { ...env, DATABASE_URL: `file:${copy}` },
    remove: () => rmSync(directory, { recursive: true }),
  };
};

/** The default of BCRYPT_COST, which every peer uses too. */
export const bcryptCost = 12;

/** The hash of `password` as peers store it. */
export const plainPasswordHash = () => hash(password, { cost: bcryptCost });

/** Replaces the password hashes in a peer's database by one that the peer can verify. */
export const setPasswordHashes = ({ file }: BenchDatabase, passwordHash: string) => {
  const db = new DatabaseSync(file);
  db.prepare("UPDATE users SET password_hash = ?").run(passwordHash);
  db.close();
};

/** How many active sessions each user has. */
export const sessionsPerUser = 10;

/** Adds users named `user-0` and so on, with ten active sessions each. */
export const fill = async ({ url }: BenchDatabase, users: number) => {
  const db = await openDatabase(url);
  try {
    await fillDatabase(db, { users, sessionsPerUser });
  } finally {
    await db.destroy();
  }
};

/** A session as its client knows it, with its current refresh token. */
export interface KnownSession {
  readonly id: string;
  refreshToken: string;
}

/** Sessions from all over the table, in random order. */
export const pickSessions = async (url: DatabaseUrl, count: number): Promise<KnownSession[]> => {
  const db = await openDatabase(url);
  try {
    return (await pickStoredSessions(db, count)).map((session) => ({
      id: session.id,
      refreshToken: refreshTokenOf(session),
    }));
  } finally {
    await db.destroy();
  }
};

/** The format is described in `docs/sessions.md`. */
const refreshTokenOf = ({ id, generation, seed }: StoredSession) => {
  const key = new Uint8Array(hkdfSync("sha256", secret, "", "lockstep:refresh-tokens", 32));
  return `${id}.${generation}.${createHmac("sha256", key).update(`${id}.${generation}.${seed}`).digest("base64url")}`;
};
