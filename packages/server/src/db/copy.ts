// Owns copying a database into another one, of either engine: the engine's tables and the app's. The source is read in
// one snapshot while its servers may run. What the target has already is compared, not written again, so a copy that was
// interrupted continues, and a second one transfers only what has changed since.

import { createHash } from "node:crypto";
import { type RawBuilder, sql } from "kysely";
import { StartError } from "../start-error.ts";
import type { Migrations } from "./app-migrations.ts";
import { type Db, isPostgres } from "./database.ts";
import { assertNotTooNew, isMigrated, migrateToLatest } from "./migrate.ts";
import { type Column, readTables, type Table } from "./tables.ts";
import { withoutDatabaseLimit } from "./time-limit.ts";
import { assertWhole, beginCopy, endCopy, readUnfinishedCopy } from "./unfinished-copy.ts";

export interface CopyOptions {
  readonly source: Db;
  readonly target: Db;
  /** The source as people know it, without a password. A copy into the same target continues only from the same source. */
  readonly sourceName: string;
  readonly appMigrations: readonly Migrations[];
  /** Whether another copy will follow, so that servers still refuse the target. */
  readonly more: boolean;
  /** Called after each chunk of rows. */
  readonly onProgress: (progress: CopyProgress) => void;
}

/** All counts are of rows. */
export interface CopyProgress {
  readonly table: string;
  readonly done: number;
  readonly total: number;
}

export interface CopiedTable {
  readonly table: string;
  readonly rows: number;
  /** The rows that the target did not have yet, or not like this. */
  readonly written: number;
  readonly removed: number;
  /** SHA-256 of the rows, whatever their order, in hexadecimal. The same in source and target. */
  readonly checksum: string;
}

/** Rows that are read and written at once. SQLite and PostgreSQL allow some 30,000 parameters in a statement. */
const chunkRows = 500;

/**
 * Migrates the target, and copies all rows of the source into it.
 * @throws StartError when source or target cannot be used, with what to do, and when the copy differs from the source
 */
export const copyDatabase = (options: CopyOptions): Promise<readonly CopiedTable[]> =>
  withoutDatabaseLimit(async () => {
    const { source, target, appMigrations, sourceName } = options;
    await assertUsable(source, target);
    const begun = await readUnfinishedCopy(target);
    if (begun === null) await migrateToLatest(target, appMigrations);
    const tables = await sharedTables(source, target);
    await begin(target, begun, sourceName, tables);
    const copied = await inSnapshot(source, (snapshot) => copyTables(snapshot, tables, options));
    if (!options.more) await endCopy(target);
    return copied;
  });

const assertUsable = async (source: Db, target: Db): Promise<void> => {
  const { newer } = await assertNotTooNew(source);
  if (newer || !(await isMigrated(source)))
    throw new StartError(
      newer
        ? "The source was migrated by a newer version. Copy it with that version."
        : "The source is not migrated to this version. Run `lockstep migrate` on it first.",
    );
  await assertWhole(source);
  if (!isPostgres(target)) return;
  const { rows } = await sql<{ server_encoding: string }>`show server_encoding`.execute(target);
  const encoding = rows[0]?.server_encoding ?? "";
  if (encoding !== "UTF8")
    throw new StartError(`The target has the encoding ${encoding}. Create it with: create database … encoding 'UTF8'.`);
};

/**
 * The tables that both have, with PostgreSQL's types where one of the two is PostgreSQL: they say more than those of
 * SQLite, such as `bool` and `jsonb`.
 */
const sharedTables = async (source: Db, target: Db): Promise<readonly Table[]> => {
  const [from, to] = await Promise.all([readTables(source), readTables(target)]);
  const columnsOf = (table: Table) => table.columns.map(({ name }) => name).join(", ");
  for (const table of from) {
    const other = to.find(({ name }) => name === table.name);
    if (!other)
      throw new StartError(
        `The source has a table ${table.name}, which no migration of this app creates. Drop it, or copy it by other means.`,
      );
    if (columnsOf(table) !== columnsOf(other) || table.key.join() !== other.key.join())
      throw new StartError(
        `The table ${table.name} has other columns in the target (${columnsOf(other)}) than in the source (${columnsOf(table)}).`,
      );
    if (table.key.length === 0)
      throw new StartError(`The table ${table.name} has no primary key, which a copy needs. Add one in a migration.`);
  }
  return to.map((table) => {
    const other = from.find(({ name }) => name === table.name) ?? table;
    return isPostgres(target) ? table : { ...table, columns: other.columns };
  });
};

const begin = async (target: Db, begun: string | null, source: string, tables: readonly Table[]): Promise<void> => {
  if (begun === source) return;
  if (begun !== null) throw new StartError(`The target has an unfinished copy of ${begun}. Use an empty database.`);
  for (const { name } of tables) {
    const rows = await count(target, name);
    if (rows > 0) throw new StartError(`The target is not empty: ${name} has ${rows} rows. Use an empty database.`);
  }
  await beginCopy(target, source);
};

/** Reads of `use` see one state of the database, whatever others write meanwhile, and keep nobody from writing. */
const inSnapshot = async <T>(db: Db, use: (snapshot: Db) => Promise<T>): Promise<T> => {
  if (isPostgres(db))
    return db.transaction().setIsolationLevel("repeatable read").setAccessMode("read only").execute(use);
  // Kysely's own transaction would take SQLite's write lock. This connection has no other user.
  await sql`begin`.execute(db);
  try {
    return await use(db);
  } finally {
    await sql`rollback`.execute(db);
  }
};

const copyTables = async (
  source: Db,
  tables: readonly Table[],
  { target, onProgress }: CopyOptions,
): Promise<readonly CopiedTable[]> => {
  const counts = new Map<string, number>();
  for (const { name } of tables) counts.set(name, await count(source, name));
  const total = [...counts.values()].reduce((sum, rows) => sum + rows, 0);

  const removed = new Map<string, number>();
  // Rows that refer to others go first. With those that are gone, unique values are free for others.
  for (const table of tables.toReversed()) removed.set(table.name, await removeOthers(source, target, table));

  let done = 0;
  const copied: CopiedTable[] = [];
  for (const table of tables) {
    const sum = createSum();
    let written = 0;
    for await (const rows of chunksOf(source, table)) {
      sum.add(table, rows);
      written += await writeChanged(target, table, rows);
      done += rows.length;
      onProgress({ table: table.name, done, total });
    }
    const checksum = sum.hex();
    const rows = counts.get(table.name) ?? 0;
    await assertSame(target, table, rows, checksum);
    copied.push({ table: table.name, rows, written, removed: removed.get(table.name) ?? 0, checksum });
  }
  if (isPostgres(target)) await continueSequences(target, tables);
  return copied;
};

type Row = Readonly<Record<string, unknown>>;

/** The rows of a table in the order of its key. */
async function* chunksOf(db: Db, table: Table): AsyncGenerator<readonly Row[]> {
  const key = keyOf(table);
  let last: Row | undefined;
  for (;;) {
    const after = last ? sql`where ${key} > ${keyValues(table, last)}` : sql``;
    const { rows } = await sql<Row>`
      select ${namesOf(table)} from ${sql.table(table.name)} ${after} order by ${keyNames(table)} limit ${chunkRows}`.execute(
      db,
    );
    if (rows.length === 0) return;
    yield rows;
    last = rows.at(-1);
  }
}

/** The rows of `db` that have the key of one of `rows`. */
const matching = async (db: Db, table: Table, rows: readonly Row[]): Promise<ReadonlyMap<string, Row>> => {
  const keys = sql.join(rows.map((row) => keyValues(table, row)));
  // SQLite takes lists of several columns only as `values`, for whose parameters PostgreSQL does not know the types.
  const list = isPostgres(db) ? keys : sql`values ${keys}`;
  const found = await sql<Row>`
    select ${namesOf(table)} from ${sql.table(table.name)} where ${keyOf(table)} in (${list})`.execute(db);
  return new Map(found.rows.map((row) => [keyText(table, row), row]));
};

const removeOthers = async (source: Db, target: Db, table: Table): Promise<number> => {
  let removed = 0;
  if ((await count(target, table.name)) === 0) return removed;
  for await (const rows of chunksOf(target, table)) {
    const kept = await matching(source, table, rows);
    for (const row of rows) {
      if (kept.has(keyText(table, row))) continue;
      await sql`delete from ${sql.table(table.name)} where ${keyOf(table)} = ${keyValues(table, row)}`.execute(target);
      removed++;
    }
  }
  return removed;
};

/** Writes the rows that the target does not have, or not like this. */
const writeChanged = async (target: Db, table: Table, rows: readonly Row[]): Promise<number> => {
  const existing = await matching(target, table, rows);
  const missing = rows.filter((row) => !existing.has(keyText(table, row)));
  const changed = rows.filter((row) => {
    const other = existing.get(keyText(table, row));
    return other !== undefined && rowText(table, other) !== rowText(table, row);
  });
  if (missing.length + changed.length === 0) return 0;
  await target.transaction().execute(async (transaction) => {
    for (const row of changed) {
      const values = table.columns.map((column) => sql`${sql.ref(column.name)} = ${valueFor(target, column, row)}`);
      await sql`
        update ${sql.table(table.name)} set ${sql.join(values)}
        where ${keyOf(table)} = ${keyValues(table, row)}`.execute(transaction);
    }
    if (missing.length === 0) return;
    const values = missing.map(
      (row) => sql`(${sql.join(table.columns.map((column) => valueFor(target, column, row)))})`,
    );
    await sql`insert into ${sql.table(table.name)} (${namesOf(table)}) values ${sql.join(values)}`.execute(transaction);
  });
  return missing.length + changed.length;
};

const assertSame = async (target: Db, table: Table, rows: number, checksum: string): Promise<void> => {
  const sum = createSum();
  let found = 0;
  for await (const chunk of chunksOf(target, table)) {
    sum.add(table, chunk);
    found += chunk.length;
  }
  if (found !== rows || sum.hex() !== checksum)
    throw new StartError(
      `The table ${table.name} differs after it was copied (${rows} rows in the source, ${found} in the target). Nothing else may write to the target. Run the command again.`,
    );
};

/** Lets columns that count by themselves go on after the copied values. */
const continueSequences = async (target: Db, tables: readonly Table[]): Promise<void> => {
  for (const { name, columns } of tables) {
    for (const column of columns) {
      if (!/^int[248]$/.test(column.type)) continue;
      await sql`
        select setval(sequence::regclass, largest) from (
          select pg_get_serial_sequence(${sql.lit(`"${name}"`)}, ${sql.lit(column.name)}) as sequence,
            (select max(${sql.ref(column.name)}) from ${sql.table(name)}) as largest
        ) counted where sequence is not null and largest is not null`.execute(target);
    }
  }
};

const count = async (db: Db, table: string): Promise<number> => {
  const { rows } = await sql<{ rows: number }>`select count(*) as rows from ${sql.table(table)}`.execute(db);
  return Number(rows[0]?.rows ?? 0);
};

const namesOf = ({ columns }: Table): RawBuilder<unknown> => sql.join(columns.map(({ name }) => sql.ref(name)));

const keyNames = ({ key }: Table): RawBuilder<unknown> => sql.join(key.map((name) => sql.ref(name)));

const keyOf = (table: Table): RawBuilder<unknown> => sql`(${keyNames(table)})`;

const keyValues = ({ key }: Table, row: Row): RawBuilder<unknown> => sql`(${sql.join(key.map((name) => row[name]))})`;

const keyText = ({ key, columns }: Table, row: Row): string =>
  JSON.stringify(columns.filter(({ name }) => key.includes(name)).map((column) => comparable(column, row)));

const rowText = ({ columns }: Table, row: Row): string =>
  JSON.stringify(columns.map((column) => comparable(column, row)));

const isJson = ({ type }: Column) => type === "json" || type === "jsonb";

const isTime = ({ type }: Column) => type === "timestamp" || type === "timestamptz";

/** A value as the target takes it. */
const valueFor = (target: Db, column: Column, row: Row): unknown => {
  const value = row[column.name];
  if (value === null || value === undefined) return null;
  if (column.type === "bool") return isPostgres(target) ? Boolean(value) : Number(value);
  if (isJson(column) && typeof value !== "string") return JSON.stringify(value);
  return value instanceof Date ? value.toISOString() : value;
};

/** A value in a form that is equal for both engines when the value is. */
const comparable = (column: Column, row: Row): unknown => {
  const value = row[column.name];
  if (value === null || value === undefined) return null;
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (column.type === "bool") return Boolean(value);
  if (column.type === "numeric") return Number(value);
  if (isTime(column)) return new Date(value as string | Date).getTime();
  if (isJson(column)) return sorted(typeof value === "string" ? (JSON.parse(value) as unknown) : value);
  return value;
};

/** `jsonb` has an order of its own. */
const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, each]) => [name, sorted(each)]),
  );
};

/** The sum of the hashes of rows: engines sort text differently, so it does not depend on their order. */
const createSum = () => {
  let sum = 0n;
  return {
    add(table: Table, rows: readonly Row[]): void {
      for (const row of rows) {
        const hash = createHash("sha256").update(rowText(table, row)).digest("hex");
        sum = BigInt.asUintN(256, sum + BigInt(`0x${hash}`));
      }
    },
    hex: () => sum.toString(16).padStart(64, "0"),
  };
};
