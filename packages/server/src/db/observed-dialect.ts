// Owns the observation of statements: what each is called, and how long it takes. A name has the kind of statement and
// its table, never a value.

import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type OperationNode,
  type QueryResult,
  type RootOperationNode,
  TableNode,
} from "kysely";

export interface ObservedStatement {
  readonly engine: "postgresql" | "sqlite";
  /** Such as `SELECT` or `BEGIN`. */
  readonly kind: string;
  /** `null`: none, or not known, as of SQL that is written by hand. */
  readonly table: string | null;
}

/** Runs a statement. */
export type ObserveStatement = <T>(statement: ObservedStatement, run: () => Promise<T>) => Promise<T>;

/** A dialect whose statements are reported to `observe`. */
export const observedDialect = (
  dialect: Dialect,
  engine: ObservedStatement["engine"],
  observe: ObserveStatement,
): Dialect => ({
  createAdapter: () => dialect.createAdapter(),
  createIntrospector: (db) => dialect.createIntrospector(db),
  createQueryCompiler: () => dialect.createQueryCompiler(),
  createDriver: () =>
    observedDriver(dialect.createDriver(), (kind, table, run) => observe({ engine, kind, table }, run)),
});

type Observe = <T>(kind: string, table: string | null, run: () => Promise<T>) => Promise<T>;

class ObservedConnection implements DatabaseConnection {
  readonly inner: DatabaseConnection;
  readonly #observe: Observe;

  constructor(inner: DatabaseConnection, observe: Observe) {
    this.inner = inner;
    this.#observe = observe;
  }

  executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    return this.#observe(kindOf(query), tableOf(query.query), () => this.inner.executeQuery<R>(query));
  }

  streamQuery<R>(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<R>> {
    return this.inner.streamQuery<R>(query, chunkSize);
  }
}

const observedDriver = (driver: Driver, observe: Observe): Driver => {
  // Kysely passes back what `acquireConnection` returned.
  const innerOf = (connection: DatabaseConnection) => (connection as ObservedConnection).inner;
  return {
    init: () => driver.init(),
    acquireConnection: async () => new ObservedConnection(await driver.acquireConnection(), observe),
    beginTransaction: (connection, settings) =>
      observe("BEGIN", null, () => driver.beginTransaction(innerOf(connection), settings)),
    commitTransaction: (connection) => observe("COMMIT", null, () => driver.commitTransaction(innerOf(connection))),
    rollbackTransaction: (connection) =>
      observe("ROLLBACK", null, () => driver.rollbackTransaction(innerOf(connection))),
    ...(driver.savepoint && {
      savepoint: (connection, name, compile) => driver.savepoint?.(innerOf(connection), name, compile) ?? done,
    }),
    ...(driver.rollbackToSavepoint && {
      rollbackToSavepoint: (connection, name, compile) =>
        driver.rollbackToSavepoint?.(innerOf(connection), name, compile) ?? done,
    }),
    ...(driver.releaseSavepoint && {
      releaseSavepoint: (connection, name, compile) =>
        driver.releaseSavepoint?.(innerOf(connection), name, compile) ?? done,
    }),
    releaseConnection: (connection) => driver.releaseConnection(innerOf(connection)),
    destroy: () => driver.destroy(),
  };
};

const done = Promise.resolve();

const kinds: Readonly<Record<string, string>> = {
  SelectQueryNode: "SELECT",
  InsertQueryNode: "INSERT",
  UpdateQueryNode: "UPDATE",
  DeleteQueryNode: "DELETE",
};

/** Of SQL that is written by hand, only a known first word counts: the rest may contain values. */
const handWritten = /^\s*(select|insert|update|delete|with|create|alter|drop|set|lock|vacuum|pragma)\b/i;

const kindOf = ({ query, sql }: CompiledQuery): string =>
  kinds[query.kind] ?? handWritten.exec(sql)?.[1]?.toUpperCase() ?? "SQL";

/** The first table that a statement of Kysely's builder names. */
const tableOf = (query: RootOperationNode): string | null => {
  switch (query.kind) {
    case "SelectQueryNode":
      return firstTable([...(query.from?.froms ?? []), ...(query.joins ?? []).map(({ table }) => table)]);
    case "InsertQueryNode":
      return firstTable([query.into]);
    case "UpdateQueryNode":
      return firstTable([query.table]);
    case "DeleteQueryNode":
      return firstTable(query.from.froms);
    default:
      return null;
  }
};

const firstTable = (nodes: readonly (OperationNode | undefined)[]): string | null => {
  for (const node of nodes) {
    const inner = node?.kind === "AliasNode" ? (node as OperationNode & { readonly node: OperationNode }).node : node;
    if (inner && TableNode.is(inner)) return inner.table.identifier.name;
  }
  return null;
};
