// Owns the read that nearly every call makes: a row by its ID. All reads of one turn of the event loop are one query, on
// PostgreSQL also those of the turns while another query runs: under load, about thirty sessions for the cost of one on
// PostgreSQL, and of two on SQLite.

import { isStorableText } from "@lockstep/kit";
import DataLoader from "dataloader";
import { type Compilable, type RawBuilder, sql } from "kysely";
import { type Db, isPostgres } from "./database.ts";
import { prepared } from "./prepared.ts";
import { outsideOfCalls, waitWithinCall } from "./time-limit.ts";

/** A table of the requested IDs, with one column `value`. */
type AskedTable = RawBuilder<{ value: string }>;

/**
 * Returns the row of an ID, read after the call and never cached. `build` runs once and joins its tables to the table
 * of IDs: `lookup(db, (asked) => db.selectFrom(asked.as("asked")).innerJoin("users", "users.id", "asked.value")…)`.
 * Each row has its ID as `key`.
 */
export const lookup = <Row extends { key: string }>(
  db: Db,
  build: (asked: AskedTable) => Compilable<Row>,
): ((id: string) => Promise<Row | null>) => {
  const read = prepared(db, ({ ids }: { ids: string }) => build(isPostgres(db) ? onPostgres(ids) : onSqlite(ids)));
  const turns = isPostgres(db)
    ? createTurns()
    : { schedule: setImmediate, run: <T>(query: () => Promise<T>) => query() };
  const loader = new DataLoader<string, Row | null>(
    async (ids) => {
      const rows = await turns.run(() => outsideOfCalls(() => read({ ids: JSON.stringify(ids) })));
      const byKey = new Map(rows.map((row) => [row.key, row]));
      return ids.map((id) => byKey.get(id) ?? null);
    },
    { cache: false, batchScheduleFn: turns.schedule },
  );
  // No row has such an ID, and PostgreSQL would refuse the whole query.
  return (id) => (isStorableText(id) ? waitWithinCall(loader.load(id)) : Promise.resolve(null));
};

/** The longest wait for a running query. One may be on a connection that is dead. */
const longestWaitMs = 5;

/**
 * When the reads that wait are sent: after all requests of this turn have been read, and after the last query has its answer.
 * Servers that share a machine are woken for single requests, so turns alone would gather few reads.
 */
const createTurns = () => {
  let running = 0;
  let waiting: (() => void) | null = null;
  const sendWaiting = () => {
    const send = waiting;
    waiting = null;
    send?.();
  };
  return {
    schedule(send: () => void): void {
      setImmediate(() => {
        if (running === 0) return send();
        const timer = setTimeout(sendWaiting, longestWaitMs);
        waiting = () => {
          clearTimeout(timer);
          send();
        };
      });
    },
    async run<T>(query: () => Promise<T>): Promise<T> {
      running++;
      try {
        return await query();
      } finally {
        running--;
        if (running === 0) setImmediate(sendWaiting);
      }
    },
  };
};

const onSqlite = (ids: string): AskedTable => sql`json_each(${ids})`;

const onPostgres = (ids: string): AskedTable => sql`json_array_elements_text(${ids}::json)`;
