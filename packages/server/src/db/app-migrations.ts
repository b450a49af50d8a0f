// Owns the app's own migrations: their list and their tables are apart from the engine's, so that the two never
// collide. Applied migrations are recorded with a checksum of the SQL that they generate, which does not depend on
// formatting.

import { createHash } from "node:crypto";
import {
  type CompiledQuery,
  type DatabaseConnection,
  DummyDriver,
  Kysely,
  PostgresQueryCompiler,
  SqliteQueryCompiler,
  sql,
} from "kysely";
import type { Migration } from "kysely/migration";
import { StartError } from "../start-error.ts";
import { type Db, isPostgres } from "./database.ts";
import { type DeclaredData, type PersonalData, type PersonRows, personRowsOf } from "./personal-data.ts";
import { readTables } from "./tables.ts";

/** Only for the compiler: no value has it. */
declare const tables: unique symbol;

/** The property with the map of personal data, which is no migration. */
const data: unique symbol = Symbol("personal data");

/**
 * Migrations by name, of one feature. Those of all features are applied in the order of their names: `0001-notes`,
 * `0002-bookmarks`, `0003-note-tags`, …
 * @typeParam Tables the tables that they create, as Kysely sees them
 */
export interface Migrations<Tables = object> {
  readonly [name: string]: Migration;
  readonly [tables]?: Tables;
  readonly [data]?: object;
}

/** The tables of a list of migrations. */
export type TablesOf<M extends readonly Migrations[]> = M extends readonly [
  infer First,
  ...infer Others extends readonly Migrations[],
]
  ? (First extends Migrations<infer Tables> ? Tables : never) & TablesOf<Others>
  : object;

/**
 * Declares the migrations of a feature, and what its tables have about people. A migration that ran in any database never
 * changes.
 * @typeParam Tables the tables that they create, as Kysely sees them. Procedures which need them do not compile without
 * the migrations
 * @param personalData for each table, whose rows it has: an account's deletion and export follow it
 *
 * @example
 * ```ts
 * export const notesMigrations = defineMigrations<NotesTables>(
 *   {
 *     "0001-notes": {
 *       async up(db) {
 *         await db.schema.createTable("notes").addColumn("id", "text", (column) => column.primaryKey()).execute();
 *       },
 *     },
 *   },
 *   { notes: { owner: "user_id" } },
 * );
 * ```
 */
export const defineMigrations = <Tables extends object = object>(
  migrations: Readonly<Record<string, Migration>>,
  ...[personalData]: keyof Tables extends never ? [] : [personalData: PersonalData<Tables>]
): Migrations<Tables> => ({ ...migrations, [data]: personalData ?? {} }) as Migrations<Tables>; // the type names the tables

/**
 * The rows that the app's tables have about people, checked against the database, which is migrated.
 * @throws StartError that names a table which no map describes
 */
export const appPersonRows = async (db: Db, lists: readonly Migrations[]): Promise<PersonRows[]> => {
  const maps = lists.map((list) => (list[data] ?? {}) as DeclaredData);
  const migrations = lists.flatMap((list) => Object.values(list));
  if (migrations.length === 0 && maps.every((map) => Object.keys(map).length === 0)) return [];
  const statements = await Promise.all(migrations.map((migration) => statementsOf(db, migration)));
  const created = statements.flat().flatMap((statement) => createdTable.exec(statement)?.[1] ?? []);
  return personRowsOf(maps, await readTables(db), created);
};

const createdTable = /^\s*create\s+table\s+(?:if\s+not\s+exists\s+)?(?:["`]?\w+["`]?\.)?["`]?(\w+)/i;

/** @throws StartError when two features have a migration of one name */
const allOf = (lists: readonly Migrations[]): Readonly<Record<string, Migration>> => {
  const all = new Map<string, Migration>();
  for (const [name, migration] of lists.flatMap((list) => Object.entries(list))) {
    if (all.has(name))
      throw new StartError(`Two migrations are called ${name}. Rename the one that has not run in any database yet.`);
    all.set(name, migration);
  }
  return Object.fromEntries(all);
};

const table = sql.table("app_migration");

/**
 * Applies missing migrations, in the transaction of the engine's migrations, and returns their names. Migrations that
 * only a newer version of the app has are accepted, as long as they come after all of these.
 * @throws StartError when one failed, or the list does not continue what the database has
 */
export const migrateApp = async (transaction: Db, lists: readonly Migrations[]): Promise<string[]> => {
  const migrations = allOf(lists);
  const names = Object.keys(migrations).sort();
  await sql`create table if not exists ${table} (name text primary key, checksum text not null)`.execute(transaction);
  const { rows } = await sql<{ name: string; checksum: string }>`select name, checksum from ${table}`.execute(
    transaction,
  );
  const applied = new Map(rows.map(({ name, checksum }) => [name, checksum]));
  await assertContinues(names, applied, (name) => checksumOf(transaction, migrations[name]));

  const missing = names.filter((name) => !applied.has(name));
  for (const name of missing) {
    const checksum = await checksumOf(transaction, migrations[name]);
    try {
      await migrations[name]?.up(transaction);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new StartError(`The migration ${name} failed, and nothing was changed: ${reason}`);
    }
    if ((await checksumOf(transaction, migrations[name])) !== checksum)
      throw new StartError(
        `The migration ${name} makes other SQL each time, so a changed one could not be told from it. Pass times and random values as parameters, not as text.`,
      );
    await sql`insert into ${table} (name, checksum) values (${name}, ${checksum})`.execute(transaction);
  }
  return missing;
};

/** The app's migrations that this database lacks. */
export const missingAppMigrations = async (db: Db, lists: readonly Migrations[]): Promise<readonly string[]> => {
  const names = Object.keys(allOf(lists)).sort();
  const tables = await db.introspection.getTables();
  if (!tables.some(({ name }) => name === "app_migration")) return names;
  const { rows } = await sql<{ name: string }>`select name from ${table}`.execute(db);
  const applied = new Set(rows.map(({ name }) => name));
  return names.filter((name) => !applied.has(name));
};

const assertContinues = async (
  names: readonly string[],
  applied: ReadonlyMap<string, string>,
  checksum: (name: string) => Promise<string>,
): Promise<void> => {
  const last = names.at(-1);
  const lost = [...applied.keys()].sort().find((name) => !names.includes(name) && last !== undefined && name < last);
  if (lost !== undefined)
    throw new StartError(
      `The migration ${lost} ran in this database, and the app no longer has it. Restore it: a migration must not change after it ran.`,
    );
  const lastApplied = [...applied.keys()].sort().at(-1);
  const late = names.find((name) => !applied.has(name) && lastApplied !== undefined && name < lastApplied);
  if (late !== undefined)
    throw new StartError(
      `The migration ${late} comes before ${lastApplied}, which ran in this database already. Give it a name that comes after.`,
    );
  for (const name of names) {
    const recorded = applied.get(name);
    if (recorded !== undefined && recorded !== (await checksum(name)))
      throw new StartError(
        `The migration ${name} was changed after it ran in this database. Restore it, and make the change in a new migration.`,
      );
  }
};

/** SHA-256 of the statements that a migration runs on this engine, as far as it gets without rows to read. */
const checksumOf = async (db: Db, migration: Migration | undefined): Promise<string> => {
  const hash = createHash("sha256");
  for (const statement of await statementsOf(db, migration)) hash.update(`${statement}\n`);
  return hash.digest("hex");
};

/** The statements that a migration runs on this engine, as far as it gets without rows to read. */
const statementsOf = async (db: Db, migration: Migration | undefined): Promise<string[]> => {
  const statements: string[] = [];
  const connection: DatabaseConnection = {
    async executeQuery({ sql: statement }: CompiledQuery) {
      statements.push(statement);
      return { rows: [] };
    },
    async *streamQuery() {},
  };
  const driver = Object.assign(new DummyDriver(), { acquireConnection: async () => connection });
  const recorder = new Kysely<unknown>({
    dialect: {
      createAdapter: () => db.getExecutor().adapter,
      createDriver: () => driver,
      createIntrospector: () => db.introspection,
      createQueryCompiler: () => (isPostgres(db) ? new PostgresQueryCompiler() : new SqliteQueryCompiler()),
    },
  });
  // A migration that needs rows stops here. Its statements so far identify it.
  await migration?.up(recorder).catch(() => {});
  return statements;
};
