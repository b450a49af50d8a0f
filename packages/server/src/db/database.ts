// Owns the connection: SQLite or PostgreSQL behind one Kysely type, and the errors that differ between them.

import { type Dialect, Kysely, PostgresAdapter } from "kysely";
import { StartError } from "../start-error.ts";
import { type ObserveStatement, observedDialect } from "./observed-dialect.ts";
import { type PostgresOptions, postgresDialect } from "./postgres.ts";
import type { Schema } from "./schema.ts";
import { nodeSqliteDialect } from "./sqlite.ts";
import { databaseLimitMs } from "./time-limit.ts";

/** Either engine. Queries that only one of them understands belong in `db/`. */
export type Db = Kysely<Schema>;

/** `file:` and an absolute path, or a PostgreSQL connection string. */
export type DatabaseUrl = `file:${string}` | `postgres://${string}` | `postgresql://${string}`;

/** PostgreSQL's suggestion for two to four cores, and `pg`'s default. */
export const defaultPoolSize = 10;

export interface DatabaseOptions extends Partial<PostgresOptions> {
  /** Runs each statement. `null`: they run as they are. */
  readonly observe?: ObserveStatement | null;
}

/**
 * Opens the database; `db.destroy()` closes it. SQLite has no pool.
 * @throws StartError when it cannot be opened
 */
export const openDatabase = async (
  url: DatabaseUrl,
  { observe = null, ...options }: DatabaseOptions = {},
): Promise<Db> => {
  const isFile = url.startsWith("file:");
  const dialect = isFile
    ? sqliteDialect(url.slice("file:".length), options.limitMs ?? databaseLimitMs)
    : await postgresDialect(url, { poolSize: defaultPoolSize, limitMs: databaseLimitMs, ...options });
  const db = new Kysely<Schema>({
    dialect: observe ? observedDialect(dialect, isFile ? "sqlite" : "postgresql", observe) : dialect,
  });
  try {
    await db.selectNoFrom((eb) => eb.lit(1).as("one")).execute();
    return db;
  } catch (error) {
    await db.destroy();
    throw new StartError(
      `PostgreSQL at ${withoutPassword(url)} does not answer (${reason(error)}). Start it, or correct DATABASE_URL.`,
    );
  }
};

const sqliteDialect = (file: string, limitMs: number): Dialect => {
  try {
    return nodeSqliteDialect(file, limitMs);
  } catch (error) {
    throw new StartError(
      `The database file ${file} cannot be opened (${reason(error)}). Make it readable and writable, or point DATABASE_URL elsewhere.`,
    );
  }
};

/** The engine, for the few queries that differ, all of them in `db/`. */
export const isPostgres = (db: Db): boolean => db.getExecutor().adapter instanceof PostgresAdapter;

/** A URL that people may see. */
export const withoutPassword = (url: string) => url.replace(/\/\/([^:@/]*):[^@]*@/, "//$1:…@");

const reason = (error: unknown) =>
  error instanceof Error ? error.message || (error as { code?: string }).code : String(error);

/** SQLite's extended result codes for PRIMARY KEY and UNIQUE, PostgreSQL's `unique_violation`. */
const uniqueViolations = new Set<unknown>([1555, 2067, "23505"]);

/** Whether a write failed because another row has the value of a unique column. */
export const isUniqueViolation = (error: unknown): boolean =>
  error instanceof Error &&
  (uniqueViolations.has((error as { errcode?: number }).errcode) ||
    uniqueViolations.has((error as { code?: string }).code));
