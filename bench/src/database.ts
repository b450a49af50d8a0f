// Owns the databases of the benchmarks: SQLite files of the server's own schema, filled directly, since signing in
// a million times would take days.

import { createHmac, hkdfSync } from "node:crypto";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { hash } from "@node-rs/bcrypt";
import { lockstep, start } from "./processes.ts";

/** What every server here runs under. */
export const secret = "a secret of the benchmark, of thirty-two characters and more";

/** The password of every user in a filled database. */
export const password = "secret";

export interface BenchDatabase {
  readonly file: string;
  /** What a server needs to run on it. */
  readonly env: Record<string, string>;
  remove(): void;
}

/** A database that the server made, with its schema, its signing key and the user john. */
export const newDatabase = async (): Promise<BenchDatabase> => {
  const directory = mkdtempSync(join(tmpdir(), "lockstep-bench-"));
  const file = join(directory, "bench.db");
  const env = { DATABASE_URL: `file:${file}`, SECRET: secret, TRUST_PROXY: "127.0.0.1" };
  await (await start(lockstep, env)).stop();
  return { file, env, remove: () => rmSync(directory, { recursive: true }) };
};

/** The same data once more, for another server to work on. No server may run on the first meanwhile. */
export const copyOf = ({ file, env }: BenchDatabase): BenchDatabase => {
  const directory = mkdtempSync(join(tmpdir(), "lockstep-bench-"));
  const copy = join(directory, "bench.db");
  copyFileSync(file, copy);
  return {
    file: copy,
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

/**
 * Adds users, called `user-0` and so on, with ten live sessions each, in one transaction. What makes ids is random,
 * as it is in a server, so that sessions of one user are not neighbours in the index.
 */
export const fill = ({ file }: BenchDatabase, users: number) => {
  const db = new DatabaseSync(file);
  const now = Date.now();
  const day = 24 * 60 * 60 * 1000;
  db.exec("PRAGMA synchronous = OFF; PRAGMA cache_size = -500000; PRAGMA temp_store = MEMORY; BEGIN");
  db.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)
     INSERT INTO users (id, username, email, full_name, role, disabled, password_hash, created_at)
     SELECT substr(hex(randomblob(11)), 1, 22), 'user-' || i, 'user-' || i || '@example.com', 'User ' || i, 'user', 0,
       (SELECT password_hash FROM users WHERE username = 'john'), ? FROM n`,
  ).run(users, now);
  db.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)
     INSERT INTO sessions (id, user_id, created_at, authenticated_at, last_seen_at, idle_expires_at, expires_at,
       ended_at, end_reason, seed, generation, replaced, address, user_agent)
     SELECT substr(hex(randomblob(11)), 1, 22), users.id, ?1, ?1, ?1, ?2, ?3 + i, NULL, NULL,
       substr(hex(randomblob(14)), 1, 27), 0, '[]', '192.0.2.1', 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0'
     FROM n, users WHERE username LIKE 'user-%'`.replace("< ?)", "< ?4)"),
  ).run(now, now + 14 * day, now + 90 * day, sessionsPerUser);
  db.exec("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
};

/** A session as a client holds it: its refresh token of now. */
export interface HeldSession {
  readonly id: string;
  refreshToken: string;
}

/** Sessions from all over the table, in no order. */
export const pickSessions = ({ file }: BenchDatabase, count: number): HeldSession[] => {
  const db = new DatabaseSync(file, { readOnly: true });
  const rows = db.prepare("SELECT id, seed FROM sessions ORDER BY random() LIMIT ?").all(count) as {
    id: string;
    seed: string;
  }[];
  db.close();
  return rows.map(({ id, seed }) => ({ id, refreshToken: firstRefreshToken(id, seed) }));
};

/** As `docs/sessions.md` describes it. */
const firstRefreshToken = (id: string, seed: string) => {
  const key = new Uint8Array(hkdfSync("sha256", secret, "", "lockstep:refresh-tokens", 32));
  return `${id}.0.${createHmac("sha256", key).update(`${id}.0.${seed}`).digest("base64url")}`;
};
