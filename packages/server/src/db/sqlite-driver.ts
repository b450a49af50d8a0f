// Owns who uses the one connection to SQLite, and how long they wait. SQLite itself waits by stopping the whole process,
// so it waits for a moment only; the rest of the wait is a timer between tries, while the process serves others.
//
// Only one transaction in the process is open at a time. Reads go on while a write waits for another process. Once the
// write lock is there, nothing waits for other processes any more.

import type { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { CompiledQuery, type DatabaseConnection, type Driver, type QueryResult, SelectQueryNode } from "kysely";
import { beginWait } from "./time-limit.ts";
import { DatabaseUnavailableError } from "./unavailable.ts";
import { assertStorable } from "./unstorable-text.ts";

/** How long SQLite may stop the process in one try: another process's commit is usually over by then. */
export const busyTimeoutMs = 5;

/** How long after a try the next one begins. */
const retryAfterMs = 20;

export interface SqliteDriverOptions {
  readonly database: DatabaseSync;
  readonly prepare: (sql: string) => Statement;
  /** How long a statement or a transaction may wait. */
  readonly limitMs: number;
  /** Whether the files are still those that were opened. */
  readonly areFilesInPlace: () => boolean;
}

interface Statement {
  readonly reader: boolean;
  all(parameters: readonly unknown[]): Record<string, unknown>[];
  run(parameters: readonly unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint };
}

export const createSqliteDriver = (options: SqliteDriverOptions): Driver => {
  const { database, prepare, limitMs, areFilesInPlace } = options;
  /** Writers in order: one of them at a time waits for other processes. */
  const writers = createLock();
  /** Who uses the connection: a transaction while it is open, a statement outside of one while it runs. */
  const connection = createLock();

  const execute = ({ sql, parameters }: CompiledQuery): QueryResult<never> => {
    assertStorable(parameters);
    const statement = prepare(sql);
    // Kysely's rows are what the caller's query says.
    if (statement.reader) return { rows: statement.all(parameters) as never[] };
    const { changes, lastInsertRowid } = statement.run(parameters);
    return { insertId: BigInt(lastInsertRowid), numAffectedRows: BigInt(changes), rows: [] };
  };

  /** Called after each commit: what went into a file that is gone must not be acknowledged. */
  const assertFilesInPlace = () => {
    if (!areFilesInPlace()) throw new DatabaseUnavailableError(filesGone, { reason: filesGone });
  };

  /** Runs `attempt` when the connection is free, again while another process has the lock. */
  const whenFree = async <T>(wait: Deadline, attempt: () => T): Promise<T> => {
    for (;;) {
      if (!connection.tryTake()) await wait.until(connection);
      try {
        return attempt();
      } catch (error) {
        if (!isBusy(error)) throw asUnavailable(error);
        await wait.pause(error);
      } finally {
        connection.give();
      }
    }
  };

  const read = (query: CompiledQuery): Promise<QueryResult<never>> =>
    within(limitMs, (wait) => whenFree(wait, () => execute(query)));

  const write = (query: CompiledQuery): Promise<QueryResult<never>> =>
    within(limitMs, async (wait) => {
      if (!writers.tryTake()) await wait.until(writers);
      try {
        const result = await whenFree(wait, () => execute(query));
        assertFilesInPlace();
        return result;
      } finally {
        writers.give();
      }
    });

  /** What one caller of Kysely borrows: for one statement, or for a transaction. */
  class Loan implements DatabaseConnection {
    inTransaction = false;
    /** Why nothing more can be done in this transaction. SQLite may have rolled it back: a statement would stand alone. */
    #broken: unknown = null;

    async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
      if (this.inTransaction) return this.#step(() => execute(query));
      return isRead(query) ? read(query) : write(query);
    }

    // biome-ignore lint/correctness/useYield: it only refuses.
    async *streamQuery(): AsyncGenerator<never> {
      throw new Error("Streams of rows are not used here: they would keep everybody else waiting");
    }

    #step<T>(attempt: () => T): T {
      if (this.#broken !== null) throw this.#broken;
      try {
        return attempt();
      } catch (error) {
        const failure = asUnavailable(error);
        if (failure instanceof DatabaseUnavailableError || !database.isTransaction) this.#broken = failure;
        throw failure;
      }
    }

    begin(): Promise<void> {
      return within(limitMs, async (wait) => {
        if (!writers.tryTake()) await wait.until(writers);
        try {
          for (;;) {
            if (!connection.tryTake()) await wait.until(connection);
            try {
              // The write lock at once: a transaction that reads first and writes later fails when another process
              // wrote between (SQLITE_BUSY_SNAPSHOT).
              database.exec("begin immediate");
              this.inTransaction = true;
              return;
            } catch (error) {
              connection.give();
              if (!isBusy(error)) throw asUnavailable(error);
              await wait.pause(error);
            }
          }
        } catch (error) {
          writers.give();
          throw error;
        }
      });
    }

    async commit(): Promise<void> {
      if (this.#broken !== null) throw this.#broken;
      await within(limitMs, async (wait) => {
        for (;;) {
          try {
            database.exec("commit");
            break;
          } catch (error) {
            if (!isBusy(error)) throw asUnavailable(error);
            await wait.pause(error);
          }
        }
      });
      this.#end();
      assertFilesInPlace();
    }

    rollback(): void {
      // After a commit, or when SQLite itself rolled back, there is nothing left to undo.
      if (!this.inTransaction) return;
      try {
        if (database.isTransaction) database.exec("rollback");
      } finally {
        this.#end();
      }
    }

    #end() {
      this.inTransaction = false;
      this.#broken = null;
      connection.give();
      writers.give();
    }
  }

  const loan = (borrowed: DatabaseConnection) => borrowed as Loan;
  return {
    init: async () => {},
    acquireConnection: async () => new Loan(),
    beginTransaction: (borrowed) => loan(borrowed).begin(),
    commitTransaction: (borrowed) => loan(borrowed).commit(),
    rollbackTransaction: async (borrowed) => loan(borrowed).rollback(),
    savepoint: async (borrowed, name) => {
      await borrowed.executeQuery(CompiledQuery.raw(`savepoint ${quoted(name)}`));
    },
    rollbackToSavepoint: async (borrowed, name) => {
      await borrowed.executeQuery(CompiledQuery.raw(`rollback to ${quoted(name)}`));
    },
    releaseSavepoint: async (borrowed, name) => {
      await borrowed.executeQuery(CompiledQuery.raw(`release ${quoted(name)}`));
    },
    releaseConnection: async () => {},
    destroy: async () => database.close(),
  };
};

const filesGone = "the database file was deleted or replaced";

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;

/** What cannot write: it need not wait in line with what does. */
const isRead = ({ query, sql }: CompiledQuery) => SelectQueryNode.is(query) || /^\s*select\b/i.test(sql);

/** First come, first served. */
const createLock = () => {
  let taken = false;
  const waiting = new Set<() => void>();
  return {
    tryTake(): boolean {
      if (taken) return false;
      taken = true;
      return true;
    },
    /** Resolves when the lock is the caller's. `leave` gives the place in line up. */
    queue(): { turn: Promise<void>; leave: () => void } {
      const { promise: turn, resolve } = Promise.withResolvers<void>();
      waiting.add(resolve);
      return { turn, leave: () => void waiting.delete(resolve) };
    },
    give(): void {
      const [next] = waiting;
      taken = next !== undefined;
      if (!next) return;
      waiting.delete(next);
      next();
    },
  };
};

type Lock = ReturnType<typeof createLock>;

interface Deadline {
  /** Waits for the lock; on success it is the caller's. */
  until(lock: Lock): Promise<void>;
  /** Waits a moment for other processes. Throws, with the last `error` as cause, when the time is over. */
  pause(error: unknown): Promise<void>;
}

/** Runs what may wait. Nothing is counted and no timer runs until the first wait. */
const within = async <T>(limitMs: number, work: (wait: Deadline) => Promise<T>): Promise<T> => {
  let end: (() => void) | null = null;
  let endsAt = 0;
  const leftMs = () => {
    if (end === null) {
      const wait = beginWait(limitMs);
      end = wait.end;
      endsAt = performance.now() + wait.leftMs;
    }
    return endsAt - performance.now();
  };
  try {
    return await work({
      async until(lock) {
        const { turn, leave } = lock.queue();
        let timer: NodeJS.Timeout | undefined;
        const late = new Promise<never>((_, reject) => {
          const left = leftMs();
          if (left === Number.POSITIVE_INFINITY) return;
          timer = setTimeout(() => {
            leave();
            reject(new DatabaseUnavailableError("SQLite was busy for too long", { reason: "the database is locked" }));
          }, left);
        });
        await Promise.race([turn, late]).finally(() => clearTimeout(timer));
      },
      async pause(error) {
        const left = leftMs();
        if (left <= 0) throw asUnavailable(error);
        await delay(Math.min(left, retryAfterMs));
      },
    });
  } finally {
    (end as (() => void) | null)?.();
  }
};

/** The result code without its details. 0: the error is not SQLite's. */
export const primaryCode = (error: unknown): number =>
  error instanceof Error ? ((error as { errcode?: number }).errcode ?? 0) & 0xff : 0;

const sqliteBusy = 5;

/** SQLITE_BUSY and its variants: another process has the lock. */
export const isBusy = (error: unknown) => primaryCode(error) === sqliteBusy;

/** The result codes that blame the database: locked, out of memory, read-only, disk, damaged, full, cannot be opened. */
const blamesDatabase = new Set([sqliteBusy, 6, 7, 8, 10, 11, 13, 14, 15, 26]);

/** The error as `DatabaseUnavailableError` when the database is to blame; as it is when the statement is. */
const asUnavailable = (error: unknown): unknown =>
  blamesDatabase.has(primaryCode(error))
    ? new DatabaseUnavailableError((error as Error).message, { cause: error })
    : error;
