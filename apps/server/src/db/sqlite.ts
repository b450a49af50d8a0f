// Owns the bridge from Kysely's SQLite dialect to Node's built-in `node:sqlite`.

import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from "node:sqlite";
import {
  CompiledQuery,
  type DatabaseConnection,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDialect,
  type SqliteDialectConfig,
  SqliteDriver,
} from "kysely";

/** Opens the file, made when it is not there. Each SQL text is prepared once. */
export const nodeSqliteDialect = (file: string): SqliteDialect => {
  const database = new DatabaseSync(file, { timeout: 5000 });
  // `timeout` sets busy_timeout, which has to come before journal_mode: a second process would otherwise
  // fail with SQLITE_BUSY while the first recovers the journal.
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;");

  const statements = new Map<string, PreparedStatement>();
  const prepare = (sql: string) => {
    const known = statements.get(sql);
    if (known) return known;
    const made = preparedStatement(database.prepare(sql));
    if (statements.size < maxStatements) statements.set(sql, made);
    return made;
  };
  return new NodeSqliteDialect({ database: { prepare, close: () => database.close() } as SqliteDatabase });
};

/** The queries of this server are a fixed, smaller set; the bound is for whoever builds SQL from input. */
const maxStatements = 1000;

type PreparedStatement = ReturnType<typeof preparedStatement>;

const preparedStatement = (statement: StatementSync) => {
  let names = namesOf(statement);
  // Node's own row objects have no prototype: they are slower to make, and to read from.
  statement.setReturnArrays(true);
  const rowOf = (values: unknown): Record<string, unknown> => {
    const given = values as SQLOutputValue[];
    // A newer server, which migrated this file meanwhile, has added a column to what `select *` answers.
    if (given.length !== names.length) names = namesOf(statement);
    const row: Record<string, unknown> = {};
    for (let n = 0; n < names.length; n++) row[names[n] as string] = given[n];
    return row;
  };
  return {
    reader: names.length > 0,
    all: (parameters: readonly unknown[]) => statement.all(...(parameters as SQLInputValue[])).map(rowOf),
    run: (parameters: readonly unknown[]) => statement.run(...(parameters as SQLInputValue[])),
    *iterate(parameters: readonly unknown[]) {
      const rows = statement.iterate(...(parameters as SQLInputValue[])) as IterableIterator<unknown>;
      for (const values of rows) yield rowOf(values);
    },
  };
};

const namesOf = (statement: StatementSync) => statement.columns().map(({ name }) => name);

class NodeSqliteDialect extends SqliteDialect {
  readonly #config: SqliteDialectConfig;

  constructor(config: SqliteDialectConfig) {
    super(config);
    this.#config = config;
  }

  override createDriver() {
    return new ImmediateSqliteDriver(this.#config);
  }

  override createAdapter() {
    return new TransactionalSqliteAdapter();
  }
}

/** Takes the write lock at once: a transaction that reads first and writes later fails when another process wrote between. */
class ImmediateSqliteDriver extends SqliteDriver {
  override async beginTransaction(connection: DatabaseConnection) {
    await connection.executeQuery(CompiledQuery.raw("begin immediate"));
  }
}

class TransactionalSqliteAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl() {
    return true;
  }
}
