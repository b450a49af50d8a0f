// Owns whether the database can serve reads and writes now, and why not. A look leaves nothing behind, writes no row, and
// answers within its limit, whatever state the database is in.

import { sql } from "kysely";
import { type Db, isPostgres } from "./database.ts";
import { isMigrated, migrationNames } from "./migrate.ts";
import { withDatabaseLimit } from "./time-limit.ts";

/** `null`: reads and writes can succeed. */
export type Readiness = { readonly reason: string; readonly cause?: unknown } | null;

/** `/readyz` answers within a second. */
const lookLimitMs = 800;

/** Looks at the database. Those who ask while a look goes on share its answer. */
export const createReadiness = ({ db, limitMs = lookLimitMs }: { db: Db; limitMs?: number }) => {
  const look = isPostgres(db) ? lookAtPostgres : lookAtSqlite;
  let looking: Promise<Readiness> | null = null;
  return (): Promise<Readiness> => {
    looking ??= withDatabaseLimit(limitMs, () => look(db))
      .catch((cause: unknown) => ({ reason: reasonOf(cause), cause }))
      .finally(() => {
        looking = null;
      });
    return looking;
  };
};

/** What a call at least reads and writes. */
const busyTables = ["users", "sessions", "audit_log", "throttles", "oauth_records"] as const;

/** `lock table` takes the lock that a write takes: it waits when a write would, and writes nothing itself. */
const lookAtPostgres = (db: Db): Promise<Readiness> =>
  db.transaction().execute(async (transaction) => {
    const { rows } = await sql<{ readOnly: string; migrated: number }>`
      select current_setting('transaction_read_only') as "readOnly",
        (select count(*) from kysely_migration where name in (${sql.join(migrationNames)})) as migrated`.execute(
      transaction,
    );
    const [row] = rows;
    if (row?.readOnly === "on") return { reason: "the database is read-only" };
    if (row?.migrated !== migrationNames.length) return notMigrated;
    await sql`lock table ${sql.join(busyTables.map((name) => sql.table(name)))} in row exclusive mode`.execute(
      transaction,
    );
    return null;
  });

const lookAtSqlite = async (db: Db): Promise<Readiness> => ((await isMigrated(db)) ? null : notMigrated);

const notMigrated = { reason: "the database is not migrated" };

/** What an operator is told. Anybody can ask, so it names no address and repeats no driver's words. */
const reasonOf = (error: unknown): string => {
  for (let each = error; each instanceof Error; each = each.cause) {
    const { code = "" } = each as { code?: string };
    const known = Object.entries(reasons).find(([start]) => code.startsWith(start));
    if (known) return known[1];
  }
  return "the database does not answer";
};

/** By the beginning of an SQLSTATE. */
const reasons: Readonly<Record<string, string>> = {
  "25006": "the database is read-only",
  "42P01": "the database is not migrated",
  "53100": "the database's disk is full",
  "53300": "the database has no connection left",
  "55P03": "the database is locked",
};
