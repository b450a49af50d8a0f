// Owns the bridge from Kysely's PostgreSQL dialect to `pg`: a pool with time limits, and the meaning of PostgreSQL's
// errors. A lost connection fails only its statement.

import { PostgresDialect, type PostgresPool, type PostgresPoolClient } from "kysely";
import type { ClientBase, Connection, PoolClient } from "pg";
import { nameOf } from "./statement-names.ts";
import { beginWait, type Wait } from "./time-limit.ts";
import { DatabaseUnavailableError } from "./unavailable.ts";
import { assertStorable, UnstorableTextError } from "./unstorable-text.ts";

type Pg = typeof import("pg")["default"];

export interface PostgresOptions {
  /** The most connections. */
  readonly poolSize: number;
  /** How long a statement or a transaction may take, including the wait for a connection. */
  readonly limitMs: number;
  /** Called once, with a function that counts the connections. */
  readonly onPool?: (count: () => PoolCounts) => void;
}

export interface PoolCounts {
  readonly total: number;
  /** Without work. */
  readonly idle: number;
  /** Callers that wait for one. */
  readonly waiting: number;
}

/** Loaded when it is needed: a server on SQLite starts without it. */
export const postgresDialect = async (url: string, options: PostgresOptions): Promise<PostgresDialect> => {
  const { default: pg } = await import("pg");
  return new PostgresDialect({ pool: limitedPool(pg, url, options) });
};

const int8Oid = 20;

const limitedPool = (pg: Pg, url: string, { poolSize, limitMs, onPool }: PostgresOptions): PostgresPool => {
  /** Connections with named statements, which PostgreSQL plans once. */
  const named = new WeakSet<ClientBase>();
  const pool = new pg.Pool({
    // PostgreSQL sends its process ID at the start of a connection. PgBouncer sends another one, and in transaction
    // mode the next statement may reach a server without the named statements.
    async onConnect(client) {
      const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
      if (rows[0]?.pid === (client as ClientBase & Partial<BackendKey>).processID) named.add(client);
    },
    connectionString: url,
    max: poolSize,
    connectionTimeoutMillis: limitMs,
    keepAlive: true,
    // Epoch milliseconds fit a double; `pg` would return strings.
    types: { getTypeParser: (oid, format) => (oid === int8Oid ? Number : pg.types.getTypeParser(oid, format)) },
  });
  onPool?.(() => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }));
  const lost = new WeakSet<PoolClient>();
  // Without a listener on the pool and on each connection, a lost connection would be an uncaught exception.
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => lost.add(client)));
  const isLost = (client: PoolClient) => lost.has(client) || !client.connection.stream.writable;

  const checkOut = (deadline: Deadline): Promise<PoolClient> => {
    const coming = pool.connect();
    return deadline.before(coming).catch((error) => {
      // It may still arrive: the next waiting caller gets it.
      void coming.then(
        (late) => late.release(),
        () => {},
      );
      throw withBlame(pg, error, true);
    });
  };

  /** Provides a connection for one statement or one transaction, until the deadline. */
  const lend = (first: PoolClient, deadline: Deadline): PostgresPoolClient => {
    let client: PoolClient | null = first;
    let sent = false;
    /** Why nothing more can be sent. */
    let broken: unknown = null;

    /**
     * The connection, or a new one when it was lost between two uses: nothing was sent, so a second attempt is safe.
     */
    const living = async (): Promise<PoolClient> => {
      if (client && (sent || !isLost(client))) return client;
      client?.release(true);
      client = null;
      client = await checkOut(deadline);
      return client;
    };

    const send = async (sql: string, parameters: readonly unknown[]): Promise<unknown> => {
      if (broken !== null) throw broken;
      assertStorable(parameters);
      const connection = await living();
      // Within a transaction, an outdated plan could not be made again.
      const name = !sent && named.has(connection) ? nameOf(sql) : undefined;
      sent = true;
      const run = (statement: { name?: string | undefined; text: string }) =>
        deadline.before(connection.query({ ...statement, values: parameters as unknown[] }));
      try {
        if (name === undefined) return await run({ text: sql });
        return await run({ name, text: sql }).catch((error) => {
          if (!isOutdatedPlan(error)) throw error;
          named.delete(connection);
          return run({ text: sql });
        });
      } catch (error) {
        const failure = withBlame(pg, error, isLost(connection));
        if (deadline.passed) {
          cancel(pg, connection);
          connection.connection.stream.destroy();
        }
        if (failure instanceof DatabaseUnavailableError && !leavesConnectionFit(error)) broken = failure;
        throw failure;
      }
    };

    const query = async (sql: string, parameters: readonly unknown[]): Promise<unknown> => {
      // PostgreSQL rolls back after a lost connection.
      if (sql === "rollback" && broken !== null) return { command: "ROLLBACK", rowCount: 0, rows: [] };
      return send(sql === "begin" ? beginWithin(deadline.leftMs()) : sql, parameters);
    };

    return {
      // Kysely declares a second overload for cursors, which are not used here.
      query: query as PostgresPoolClient["query"],
      release(destroy) {
        deadline.end();
        const midway = client?.getTransactionStatus() === "T" || client?.getTransactionStatus() === "E";
        client?.release(destroy || broken !== null || midway);
      },
    };
  };

  return {
    options: pool.options,
    async connect() {
      const deadline = deadlineOf(beginWait(limitMs));
      try {
        return lend(await checkOut(deadline), deadline);
      } catch (error) {
        deadline.end();
        throw error;
      }
    },
    end: () => pool.end(),
  };
};

/**
 * Begins a transaction whose statements PostgreSQL cancels shortly before we would, which keeps the connection usable.
 * `set local` works behind PgBouncer too, and affects no other transaction there.
 */
const beginWithin = (leftMs: number): string => {
  if (leftMs === Number.POSITIVE_INFINITY) return "begin";
  const statementMs = Math.max(1, Math.floor(leftMs * 0.9));
  return [
    "begin",
    `set local statement_timeout = ${statementMs}`,
    `set local lock_timeout = ${Math.ceil(statementMs / 2)}`,
    // When this process freezes, PostgreSQL releases its locks.
    `set local idle_in_transaction_session_timeout = ${2 * Math.ceil(leftMs)}`,
  ].join("; ");
};

interface Deadline {
  /** Settles as `work` does, or rejects when the time has passed. */
  before<T>(work: Promise<T>): Promise<T>;
  readonly passed: boolean;
  leftMs(): number;
  end(): void;
}

const deadlineOf = (wait: Wait): Deadline => {
  const endsAt = performance.now() + wait.leftMs;
  const passing = Promise.withResolvers<never>();
  passing.promise.catch(() => {});
  let passed = false;
  const pass = () => {
    passed = true;
    passing.reject(new DatabaseUnavailableError("PostgreSQL did not answer in time"));
  };
  let timer: NodeJS.Timeout | undefined;
  if (wait.leftMs <= 0) pass();
  else if (wait.leftMs !== Number.POSITIVE_INFINITY) timer = setTimeout(pass, wait.leftMs);
  return {
    before: (work) => Promise.race([passing.promise, work]),
    get passed() {
      return passed;
    },
    leftMs: () => endsAt - performance.now(),
    end() {
      clearTimeout(timer);
      wait.end();
    },
  };
};

/** Members of `pg` that its types leave out. */
type CancellableClient = PoolClient & { host: string; port: number; ssl: object | boolean } & BackendKey;
type BackendKey = { processID: number; secretKey: number };
type CancellingConnection = Connection & {
  connect(port: number, host: string): void;
  requestSsl(): void;
  cancel(processId: number, secretKey: number): void;
};

const cancelLimitMs = 1000;

/**
 * Asks PostgreSQL to cancel an abandoned statement: waiting for a lock, it would keep its connection until it gets the
 * lock, and then take effect. Does not wait, and may fail.
 * @see https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS
 */
const cancel = (pg: Pg, client: PoolClient): void => {
  const { host, port, ssl, processID, secretKey } = client as CancellableClient;
  const connection = new pg.Connection({ ssl } as object) as CancellingConnection;
  const timer = setTimeout(() => connection.stream.destroy(), cancelLimitMs);
  const send = () => connection.cancel(processID, secretKey);
  connection.on("connect", () => (ssl ? connection.requestSsl() : send()));
  connection.on("sslconnect", send);
  connection.on("error", () => {});
  connection.on("end", () => clearTimeout(timer));
  connection.connect(port, host);
};

/**
 * SQLSTATEs of a failing database: connections, authentication, resources, operator intervention, system errors;
 * read-only; locks.
 */
const blamesDatabase = /^(08|28|53|57|58)|^(25006|25P03|3D000|40001|40P01|55P03)$/;

/** A newer server has added a column to a table. PostgreSQL refuses the outdated plan before it runs. */
const isOutdatedPlan = (error: unknown) =>
  (error as { code?: string }).code === "0A000" && /cached plan/.test((error as Error).message);

/** Those that leave the connection usable: a deadlock, or a lock or statement that took too long. */
const fitAfter = new Set<unknown>(["40001", "40P01", "55P03", "57014"]);

const leavesConnectionFit = (error: unknown) => fitAfter.has((error as { code?: string }).code);

/** `character_not_in_repertoire` and `untranslatable_character`, such as a NUL escaped in JSON. */
const blamesText = new Set<unknown>(["22021", "22P05"]);

/**
 * A `DatabaseUnavailableError` when the database failed, an `UnstorableTextError` when a text did; otherwise the error
 * itself.
 */
const withBlame = (pg: Pg, error: unknown, connectionLost: boolean): unknown => {
  if (error instanceof DatabaseUnavailableError || !(error instanceof Error)) return error;
  const blamed = error instanceof pg.DatabaseError ? blamesDatabase.test(error.code ?? "") : connectionLost;
  const { message, code } = error as Error & { code?: string };
  if (blamesText.has(code)) return new UnstorableTextError(message, { cause: error });
  return blamed ? new DatabaseUnavailableError(message || String(code), { cause: error }) : error;
};
