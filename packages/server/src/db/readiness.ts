// Owns the check whether the database can serve reads and writes now, and why not. It does what calls do (acquires
// their locks, uses disk space), leaves no row behind, and ends within its limit.

import { sql } from "kysely";
import { type Db, isPostgres } from "./database.ts";
import { isMigrated, migrationNames } from "./migrate.ts";
import { primaryCode } from "./sqlite-driver.ts";
import { withDatabaseLimit } from "./time-limit.ts";
import { DatabaseUnavailableError } from "./unavailable.ts";

/** `null`: reads and writes can succeed. */
export type Readiness = { readonly reason: string; readonly cause?: unknown } | null;

export interface ReadinessOptions {
  readonly db: Db;
  /** The time limit of one check. `/readyz` answers within a second. */
  readonly limitMs?: number;
  /** How long a result is reused: anybody may ask, and a check writes to the disk. */
  readonly keptMs: number;
}

/** Checks the database. Concurrent and shortly following callers share one result. */
export const createReadiness = ({ db, limitMs = 800, keptMs }: ReadinessOptions) => {
  const look = isPostgres(db) ? lookAtPostgres : lookAtSqlite;
  let shared: Promise<Readiness> | null = null;
  const forget = () => {
    shared = null;
  };
  return (): Promise<Readiness> => {
    shared ??= withDatabaseLimit(limitMs, () => look(db))
      .catch((cause: unknown) => ({ reason: reasonOf(cause), cause }))
      .finally(() => (keptMs === 0 ? forget() : setTimeout(forget, keptMs).unref()));
    return shared;
  };
};

/** The least that a call reads and writes. */
const busyTables = ["users", "sessions", "audit_log", "throttles", "oauth_records"] as const;

const lookAtPostgres = (db: Db): Promise<Readiness> =>
  db.transaction().execute(async (transaction) => {
    const { rows } = await sql<{ readOnly: string; migrated: number }>`
      select current_setting('transaction_read_only') as "readOnly", set_config('work_mem', '64kB', true),
        (select count(*) from kysely_migration where name in (${sql.join(migrationNames)})) as migrated`.execute(
      transaction,
    );
    const [row] = rows;
    if (row?.readOnly === "on") return { reason: "the database is read-only" };
    if (row?.migrated !== migrationNames.length) return notMigrated;
    // The lock of a write: this waits when a write would.
    await sql`lock table ${sql.join(busyTables.map((name) => sql.table(name)))} in row exclusive mode`.execute(
      transaction,
    );
    // More than fits into `work_mem`: the rest goes to a temporary file beside the tables while the query runs.
    await sql`select count(*) from generate_series(1, 20000)`.execute(transaction);
    return null;
  });

/** Acquires the write lock, and writes a page without changing a row. The log grows as with any other write. */
const lookAtSqlite = (db: Db): Promise<Readiness> =>
  db.transaction().execute(async (transaction) => {
    if (!(await isMigrated(transaction))) return notMigrated;
    const { rows } = await sql<{ user_version: number }>`pragma user_version`.execute(transaction);
    await sql`pragma user_version = ${sql.lit(rows[0]?.user_version ?? 0)}`.execute(transaction);
    return null;
  });

const notMigrated = { reason: "the database is not migrated" };

/** The reason that an operator sees. Anybody can ask, so it contains no address and no driver message. */
const reasonOf = (error: unknown): string => {
  for (let each = error; each instanceof Error; each = each.cause) {
    const { code = "" } = each as { code?: string };
    const reason =
      (each instanceof DatabaseUnavailableError ? each.reason : null) ??
      sqliteReasons[primaryCode(each)] ??
      Object.entries(postgresReasons).find(([start]) => code.startsWith(start))?.[1];
    if (reason !== undefined) return reason;
  }
  return "the database does not answer";
};

/** By SQLite's primary result code. */
const sqliteReasons: Readonly<Record<number, string>> = {
  5: "the database is locked",
  8: "the database is read-only",
  10: "the database's disk cannot be read or written",
  11: "the database file is damaged",
  13: "the database's disk is full",
  26: "the database file is damaged",
};

/** By the beginning of an SQLSTATE. */
const postgresReasons: Readonly<Record<string, string>> = {
  "25006": "the database is read-only",
  "28": "the database refuses the server's credentials",
  "3D000": "the database does not exist",
  "42501": "the server's database role lacks a permission",
  "42P01": "the database is not migrated",
  "53100": "the database's disk is full",
  "53300": "the database has no connection left",
  "55P03": "the database is locked",
};
