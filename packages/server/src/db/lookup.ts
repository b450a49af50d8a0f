// Owns the read that nearly every call makes: a row by its ID. All reads of one turn of the event loop are one query:
// under load, about thirty sessions for the cost of one on PostgreSQL, and of two on SQLite.

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
  const loader = new DataLoader<string, Row | null>(
    async (ids) => {
      const rows = await outsideOfCalls(() => read({ ids: JSON.stringify(ids) }));
      const byKey = new Map(rows.map((row) => [row.key, row]));
      return ids.map((id) => byKey.get(id) ?? null);
    },
    // After all requests of this turn have been read.
    { cache: false, batchScheduleFn: setImmediate },
  );
  // No row has such an ID, and PostgreSQL would refuse the whole query.
  return (id) => (isStorableText(id) ? waitWithinCall(loader.load(id)) : Promise.resolve(null));
};

const onSqlite = (ids: string): AskedTable => sql`json_each(${ids})`;

const onPostgres = (ids: string): AskedTable => sql`json_array_elements_text(${ids}::json)`;
