// Owns the reads that nearly every call makes, a row by its id. All that is asked for in one turn of the event loop is
// one query: a server under load reads some thirty sessions for what one costs on PostgreSQL, and two on SQLite.

import { isStorableText } from "@lockstep/kit";
import DataLoader from "dataloader";
import { type Compilable, type RawBuilder, sql } from "kysely";
import { type Db, isPostgres } from "./database.ts";
import { prepared } from "./prepared.ts";
import { outsideOfCalls, waitWithinCall } from "./time-limit.ts";

/** A table of the ids that are asked for, its one column `value`. */
type AskedTable = RawBuilder<{ value: string }>;

/**
 * Answers the row of an id, read after it was asked for, never remembered. `build` runs once and joins what it reads to
 * the table of ids: `lookup(db, (asked) => db.selectFrom(asked.as("asked")).innerJoin("users", "users.id", "asked.value")…)`.
 * Each row has its `key`, the id that it was asked by.
 */
export const lookup = <Row extends { key: string }>(
  db: Db,
  build: (asked: AskedTable) => Compilable<Row>,
): ((id: string) => Promise<Row | null>) => {
  const read = prepared(db, ({ ids }: { ids: string }) => build(isPostgres(db) ? onPostgres(ids) : onSqlite(ids)));
  const loader = new DataLoader<string, Row | null>(
    async (ids) => {
      const rows = await outsideOfCalls(() => read({ ids: JSON.stringify(ids) }));
      const byKey = new Map(rows.map((row) => [row.key, row]));
      return ids.map((id) => byKey.get(id) ?? null);
    },
    // When all requests have been taken in that had arrived.
    { cache: false, batchScheduleFn: setImmediate },
  );
  // No row has such an id, and PostgreSQL would refuse to read the others with it.
  return (id) => (isStorableText(id) ? waitWithinCall(loader.load(id)) : Promise.resolve(null));
};

const onSqlite = (ids: string): AskedTable => sql`json_each(${ids})`;

const onPostgres = (ids: string): AskedTable => sql`json_array_elements_text(${ids}::json)`;
