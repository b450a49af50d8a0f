// Owns the size of SQLite's write-ahead log. During a long read the log cannot be reset and grows with each write, and
// it keeps its size on disk afterwards.

import { statSync } from "node:fs";
import { sql } from "kysely";
import { type Db, isPostgres } from "./database.ts";
import { maxLogBytes } from "./sqlite-files.ts";

/**
 * Truncates a log that is too large. While a read prevents it, the log stays, and the next run tries again.
 * @returns whether the log is small enough now
 */
export const truncateLargeLog = async (db: Db, maxBytes = maxLogBytes): Promise<boolean> => {
  if (isPostgres(db)) return true;
  const { rows } = await sql<{ file: string }>`select file from pragma_database_list where name = 'main'`.execute(db);
  const isSmall = () => (statSync(`${rows[0]?.file}-wal`, { throwIfNoEntry: false })?.size ?? 0) <= maxBytes;
  if (isSmall()) return true;
  await sql`pragma wal_checkpoint(truncate)`.execute(db);
  return isSmall();
};
