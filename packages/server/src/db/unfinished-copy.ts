// Owns the mark of a database into which another one is being copied: it has only a part of the rows, so no server uses it.

import { sql } from "kysely";
import { StartError } from "../start-error.ts";
import type { Db } from "./database.ts";

const name = "database_copy";
const table = sql.table(name);

/** The source of an unfinished copy into this database. `null`: there is none. */
export const readUnfinishedCopy = async (db: Db): Promise<string | null> => {
  const tables = await db.introspection.getTables();
  if (!tables.some((each) => each.name === name)) return null;
  const { rows } = await sql<{ source: string }>`select source from ${table}`.execute(db);
  return rows[0]?.source ?? "";
};

export const beginCopy = (db: Db, source: string): Promise<void> =>
  db.transaction().execute(async (transaction) => {
    await sql`create table ${table} (source text not null)`.execute(transaction);
    await sql`insert into ${table} (source) values (${source})`.execute(transaction);
  });

export const endCopy = async (db: Db): Promise<void> => {
  await sql`drop table ${table}`.execute(db);
};

/** @throws StartError when a copy into this database is unfinished */
export const assertWhole = async (db: Db): Promise<void> => {
  const source = await readUnfinishedCopy(db);
  if (source === null) return;
  throw new StartError(
    `A copy of ${source} into this database is not finished. Run \`lockstep db copy\` again, or use another database.`,
  );
};
