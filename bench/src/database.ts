// Owns the databases of the benchmarks that last as long as a run: SQLite files of the server's own schema.

import { createHmac, hkdfSync } from "node:crypto";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type DatabaseUrl, openDatabase } from "@lockstep/server/database";
import { hash } from "@node-rs/bcrypt";
import { fillDatabase, pickStoredSessions, type StoredSession } from "./fill.ts";
import { lockstep, start } from "./processes.ts";

/** What every server here runs under. */
export const secret = "a secret of the benchmark, of thirty-two characters and more";

/** The password of every user in a filled database. */
export const password = "secret";

export interface BenchDatabase {
  readonly file: string;
  readonly url: DatabaseUrl;
  /** What a server needs to run on it. */
  readonly env: Record<string, string>;
  remove(): void;
}

/** A database that the server made, with its schema, its signing key and the user john. */
export const newDatabase = async (settings: Record<string, string> = {}): Promise<BenchDatabase> => {
  const directory = mkdtempSync(join(tmpdir(), "lockstep-bench-"));
  const file = join(directory, "bench.db");
  const url: DatabaseUrl = `file:${file}`;
  const env = await prepare(url, settings);
  return { file, url, env, remove: () => rmSync(directory, { recursive: true }) };
};

/** Has a server make its schema, its signing key and john; what a server needs to run on it. */
export const prepare = async (url: DatabaseUrl, settings: Record<string, string> = {}) => {
  const env = { DATABASE_URL: url, SECRET: secret, TRUST_PROXY: "127.0.0.1", ...settings };
  await (await start(lockstep, env)).stop();
  return env;
};

/** The same data once more, for another server to work on. No server may run on the first meanwhile. */
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

/** The default of BCRYPT_COST, and what every peer hashes with. */
export const bcryptCost = 12;

/** The stored form of `password` that peers read. */
export const plainPasswordHash = () => hash(password, { cost: bcryptCost });

/** Gives every user of a peer's database a password hash that the peer can read. */
export const setPasswordHashes = ({ file }: BenchDatabase, passwordHash: string) => {
  const db = new DatabaseSync(file);
  db.prepare("UPDATE users SET password_hash = ?").run(passwordHash);
  db.close();
};

/** How many live sessions each user has. */
export const sessionsPerUser = 10;

/** Adds users, called `user-0` and so on, with ten live sessions each. */
export const fill = async ({ url }: BenchDatabase, users: number) => {
  const db = await openDatabase(url);
  try {
    await fillDatabase(db, { users, sessionsPerUser });
  } finally {
    await db.destroy();
  }
};

/** A session as a client holds it: its refresh token of now. */
export interface HeldSession {
  readonly id: string;
  refreshToken: string;
}

/** Sessions from all over the table, in no order. */
export const pickSessions = async (url: DatabaseUrl, count: number): Promise<HeldSession[]> => {
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

/** As `docs/sessions.md` describes it. */
const refreshTokenOf = ({ id, generation, seed }: StoredSession) => {
  const key = new Uint8Array(hkdfSync("sha256", secret, "", "lockstep:refresh-tokens", 32));
  return `${id}.${generation}.${createHmac("sha256", key).update(`${id}.${generation}.${seed}`).digest("base64url")}`;
};
