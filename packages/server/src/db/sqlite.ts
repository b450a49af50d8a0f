// Owns the bridge from Kysely's SQLite dialect to Node's built-in `node:sqlite`.

import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from "node:sqlite";
import { type Driver, SqliteAdapter, SqliteDialect } from "kysely";
import { busyTimeoutMs, createSqliteDriver, isBusy } from "./sqlite-driver.ts";
import { maxLogBytes, prepareFiles, watchFiles } from "./sqlite-files.ts";

/** Opens the file, creating it if missing. Each SQL text is prepared once. `limitMs`: how long a statement may wait. */
export const nodeSqliteDialect = (file: string, limitMs: number): SqliteDialect => {
  prepareFiles(file);
  const database = new DatabaseSync(file, { timeout: startTimeoutMs });
  enterLogMode(database);
  database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
  const areFilesInPlace = watchFiles(file);

  const statements = new Map<string, PreparedStatement>();
  const prepare = (sql: string) => {
    const known = statements.get(sql);
    if (known) return known;
    const made = preparedStatement(database.prepare(sql));
    if (statements.size < maxStatements) statements.set(sql, made);
    return made;
  };
  return new NodeSqliteDialect(() => createSqliteDriver({ database, prepare, limitMs, areFilesInPlace }));
};

/** Nobody is served yet, so blocking is harmless. */
const startTimeoutMs = 5000;

/**
 * `timeout` sets busy_timeout, which has to come before journal_mode: a second process would otherwise fail with
 * SQLITE_BUSY while the first recovers the journal. The first read creates the log. SQLite does not wait for a lock
 * that could be a deadlock: when several processes change a new file's mode at once, all but one are refused and try
 * again. `secure_delete` overwrites what is deleted, so that the file does not keep the data of deleted accounts.
 */
const enterLogMode = (database: DatabaseSync) => {
  const endsAt = performance.now() + startTimeoutMs;
  for (;;) {
    try {
      database.exec(
        `PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
         PRAGMA journal_size_limit = ${maxLogBytes}; PRAGMA secure_delete = ON; SELECT count(*) FROM sqlite_schema;`,
      );
      return;
    } catch (error) {
      if (!isBusy(error) || performance.now() > endsAt) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, startRetryMs);
    }
  }
};

const startRetryMs = 10;

/** The server's queries are a fixed, smaller set. The bound protects against SQL built from input. */
const maxStatements = 1000;

type PreparedStatement = ReturnType<typeof preparedStatement>;

const preparedStatement = (statement: StatementSync) => {
  let names = namesOf(statement);
  // Node's row objects have no prototype, which makes them slower to create and read.
  statement.setReturnArrays(true);
  const rowOf = (values: unknown): Record<string, unknown> => {
    const given = values as SQLOutputValue[];
    // A newer server may have migrated this file and added a column to `select *`.
    if (given.length !== names.length) names = namesOf(statement);
    const row: Record<string, unknown> = {};
    for (let n = 0; n < names.length; n++) row[names[n] as string] = given[n];
    return row;
  };
  return {
    reader: names.length > 0,
    all: (parameters: readonly unknown[]) => statement.all(...(parameters as SQLInputValue[])).map(rowOf),
    run: (parameters: readonly unknown[]) => statement.run(...(parameters as SQLInputValue[])),
  };
};

const namesOf = (statement: StatementSync) => statement.columns().map(({ name }) => name);

class NodeSqliteDialect extends SqliteDialect {
  readonly #createDriver: () => Driver;

  constructor(createDriver: () => Driver) {
    super({ database: notUsed });
    this.#createDriver = createDriver;
  }

  override createDriver() {
    return this.#createDriver();
  }

  override createAdapter() {
    return new NodeSqliteAdapter();
  }
}

/** The driver above opens the database. */
const notUsed = () => Promise.reject(new Error("Kysely's own SQLite driver is not used"));

class NodeSqliteAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl() {
    return true;
  }

  /** Our driver orders waiting callers. */
  override get supportsMultipleConnections() {
    return true;
  }
}
