// Owns access to the one connection to SQLite, and waiting for it. SQLite waits by blocking the whole process, so it
// waits briefly; the rest of the wait is a timer between attempts, while the process serves other calls.
//
// One transaction at a time is open in the process. Reads continue while a write waits for another process. After it
// has the write lock, a transaction waits for no other process.

import type { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { CompiledQuery, type DatabaseConnection, type Driver, type QueryResult, SelectQueryNode } from "kysely";
import { beginWait } from "./time-limit.ts";
import { DatabaseUnavailableError } from "./unavailable.ts";
import { assertStorable } from "./unstorable-text.ts";

/** How long SQLite may block the process in one attempt: another process's commit is usually over by then. */
export const busyTimeoutMs = 5;

/** The pause between attempts. */
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
  /** Orders writers: one at a time waits for other processes. */
  const writers = createLock();
  /** Locks the connection: for a transaction while it is open, for a single statement while it runs. */
  const connection = createLock();

  const execute = ({ sql, parameters }: CompiledQuery): QueryResult<never> => {
    assertStorable(parameters);
    const statement = prepare(sql);
    // Kysely types rows by the caller's query.
    if (statement.reader) return { rows: statement.all(parameters) as never[] };
    const { changes, lastInsertRowid } = statement.run(parameters);
    return { insertId: BigInt(lastInsertRowid), numAffectedRows: BigInt(changes), rows: [] };
  };

  /** Called after each commit: a write to a deleted file must not be acknowledged. */
  const assertFilesInPlace = () => {
    if (!areFilesInPlace()) throw new DatabaseUnavailableError(filesGone, { reason: filesGone });
  };

  /** Runs `attempt` when the connection is free, and again while another process has the lock. */
  const whenFree = async <T>(wait: Deadline, attempt: () => T): Promise<T> => {
    for (;;) {
      if (!connection.tryLock()) await wait.until(connection);
      try {
        return attempt();
      } catch (error) {
        if (!isBusy(error)) throw asUnavailable(error);
        await wait.pause(error);
      } finally {
        connection.unlock();
      }
    }
  };

  const read = (query: CompiledQuery): Promise<QueryResult<never>> =>
    within(limitMs, (wait) => whenFree(wait, () => execute(query)));

  const write = (query: CompiledQuery): Promise<QueryResult<never>> =>
    within(limitMs, async (wait) => {
      if (!writers.tryLock()) await wait.until(writers);
      try {
        const result = await whenFree(wait, () => execute(query));
        assertFilesInPlace();
        return result;
      } finally {
        writers.unlock();
      }
    });

  /** The connection of one caller of Kysely, for one statement or a transaction. */
  class Loan implements DatabaseConnection {
    inTransaction = false;
    /** Why this transaction cannot continue. SQLite may have rolled it back, and a statement would run outside it. */
    #broken: unknown = null;

    async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
      if (this.inTransaction) return this.#step(() => execute(query));
      return isRead(query) ? read(query) : write(query);
    }

    // biome-ignore lint/correctness/useYield: it only refuses.
    async *streamQuery(): AsyncGenerator<never> {
      throw new Error("Streams of rows are not supported: they would block everybody else");
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
        if (!writers.tryLock()) await wait.until(writers);
        try {
          for (;;) {
            if (!connection.tryLock()) await wait.until(connection);
            try {
              // Acquire the write lock at once: a transaction that reads first and writes later fails if another
              // process wrote in between (SQLITE_BUSY_SNAPSHOT).
              database.exec("begin immediate");
              this.inTransaction = true;
              return;
            } catch (error) {
              connection.unlock();
              if (!isBusy(error)) throw asUnavailable(error);
              await wait.pause(error);
            }
          }
        } catch (error) {
          writers.unlock();
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
      // After a commit, or a rollback by SQLite itself, there is nothing to undo.
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
      connection.unlock();
      writers.unlock();
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

/** Statements that cannot write need not wait for those that do. */
const isRead = ({ query, sql }: CompiledQuery) => SelectQueryNode.is(query) || /^\s*select\b/i.test(sql);

/** First come, first served. */
const createLock = () => {
  let locked = false;
  const waiting = new Set<() => void>();
  return {
    tryLock(): boolean {
      if (locked) return false;
      locked = true;
      return true;
    },
    /** Resolves when the caller has the lock. `leave` gives up the place in the queue. */
    queue(): { turn: Promise<void>; leave: () => void } {
      const { promise: turn, resolve } = Promise.withResolvers<void>();
      waiting.add(resolve);
      return { turn, leave: () => void waiting.delete(resolve) };
    },
    unlock(): void {
      const [next] = waiting;
      locked = next !== undefined;
      if (!next) return;
      waiting.delete(next);
      next();
    },
  };
};

type Lock = ReturnType<typeof createLock>;

interface Deadline {
  /** Waits for the lock. On success the caller has it. */
  until(lock: Lock): Promise<void>;
  /** Pauses between attempts. Throws when the time is over, with the last `error` as cause. */
  pause(error: unknown): Promise<void>;
}

/** Runs work that may wait. No timer runs until the first wait. */
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

/** The primary result code. 0: the error is not SQLite's. */
export const primaryCode = (error: unknown): number =>
  error instanceof Error ? ((error as { errcode?: number }).errcode ?? 0) & 0xff : 0;

const sqliteBusy = 5;

/** SQLITE_BUSY and its variants: another process has the lock. */
export const isBusy = (error: unknown) => primaryCode(error) === sqliteBusy;

/**
 * Result codes of a failing database: locked, out of memory, read-only, disk error, corrupt, full, cannot be opened.
 */
const blamesDatabase = new Set([sqliteBusy, 6, 7, 8, 10, 11, 13, 14, 15, 26]);

/** A `DatabaseUnavailableError` when the database failed; the error itself when the statement did. */
const asUnavailable = (error: unknown): unknown =>
  blamesDatabase.has(primaryCode(error))
    ? new DatabaseUnavailableError((error as Error).message, { cause: error })
    : error;
