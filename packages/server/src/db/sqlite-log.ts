// Owns the size of SQLite's write-ahead log. A long read keeps the log from being reset, so that it grows with each write,
// and it keeps its size on the disk when the read is over.

import { statSync } from "node:fs";
import { sql } from "kysely";
import { type Db, isPostgres } from "./database.ts";
import { maxLogBytes } from "./sqlite-files.ts";

/** Truncates a log that is larger than it need be. While a read is in its way, the log stays, and the next look tries again. */
export const truncateLargeLog = async (db: Db, maxBytes = maxLogBytes): Promise<void> => {
  if (isPostgres(db)) return;
  const { rows } = await sql<{ file: string }>`select file from pragma_database_list where name = 'main'`.execute(db);
  const size = statSync(`${rows[0]?.file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  if (size > maxBytes) await sql`pragma wal_checkpoint(truncate)`.execute(db);
};
