// Owns the connection: SQLite or PostgreSQL behind one Kysely type, and what the two call a broken rule.

import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { Kysely, PostgresAdapter } from "kysely";
import { StartError } from "../start-error.ts";
import type { Schema } from "./schema.ts";
import { nodeSqliteDialect } from "./sqlite.ts";

/** Either engine. A query that one of them does not understand belongs in `db/`. */
export type Db = Kysely<Schema>;

/** `file:` and an absolute path, or a PostgreSQL connection string. */
export type DatabaseUrl = `file:${string}` | `postgres://${string}` | `postgresql://${string}`;

/**
 * Opens the database; `db.destroy()` closes it.
 * @throws StartError when it cannot be opened.
 */
export const openDatabase = async (url: DatabaseUrl): Promise<Db> => {
  const db = url.startsWith("file:") ? openSqlite(url.slice("file:".length)) : await openPostgres(url);
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

const openSqlite = (file: string): Db => {
  try {
    mkdirSync(dirname(file), { recursive: true });
    return new Kysely<Schema>({ dialect: nodeSqliteDialect(file) });
  } catch (error) {
    throw new StartError(
      `The database file ${file} cannot be opened (${reason(error)}). Make it readable and writable, or point DATABASE_URL elsewhere.`,
    );
  }
};

const int8Oid = 20;

/** Loaded when it is asked for: a server on SQLite starts without it. */
const openPostgres = async (url: string): Promise<Db> => {
  const [{ PostgresJSDialect }, { default: postgres }] = await Promise.all([
    import("kysely-postgres-js"),
    import("postgres"),
  ]);
  return new Kysely<Schema>({
    dialect: new PostgresJSDialect({
      postgres: postgres(url, {
        connect_timeout: 5,
        onnotice: () => {},
        // Epoch milliseconds fit a double; postgres.js would hand out strings.
        types: { bigint: { to: int8Oid, from: [int8Oid], serialize: String, parse: Number } },
      }),
    }),
  });
};

/** Which engine it is: for the few queries that the two say differently, all of them in `db/`. */
export const isPostgres = (db: Db): boolean => db.getExecutor().adapter instanceof PostgresAdapter;

const withoutPassword = (url: string) => url.replace(/\/\/([^:@/]*):[^@]*@/, "//$1:…@");

const reason = (error: unknown) =>
  error instanceof Error ? error.message || (error as { code?: string }).code : String(error);

/** SQLite's extended result codes for PRIMARY KEY and UNIQUE, PostgreSQL's `unique_violation`. */
const uniqueViolations = new Set<unknown>([1555, 2067, "23505"]);

/** Whether a write failed because the value of a unique column is taken. */
export const isUniqueViolation = (error: unknown): boolean =>
  error instanceof Error &&
  (uniqueViolations.has((error as { errcode?: number }).errcode) ||
    uniqueViolations.has((error as { code?: string }).code));
