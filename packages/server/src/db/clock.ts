// Owns reading the database's clock, which all servers of one PostgreSQL share.

import { sql } from "kysely";
import { type Db, isPostgres } from "./database.ts";

/** Epoch milliseconds by PostgreSQL's clock. `null` on SQLite, whose processes share their machine's clock. */
export const readDatabaseTime = async (db: Db): Promise<number | null> => {
  if (!isPostgres(db)) return null;
  const time = sql<number>`(extract(epoch from clock_timestamp()) * 1000)::bigint`.as("time");
  const { time: milliseconds } = await db.selectNoFrom(time).executeTakeFirstOrThrow();
  return milliseconds;
};
