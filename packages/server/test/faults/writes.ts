// Writes through the driver alone while faults happen, and what must be in the database afterwards: of a transaction all or
// nothing, and all that was acknowledged. What was sent and not acknowledged may have happened or not: the answer to a
// `commit` can be lost like any other.

import { randomInt, randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { sql } from "kysely";
import type { Db } from "../../src/db/database.ts";
import type { Findings } from "./findings.ts";

/** `begun`: not to be committed yet, so it must not be there. */
export type WriteState = "begun" | "sent" | "acknowledged";

/** Without unique keys: a statement that ran twice must be seen. */
export const createWriteTables = async (db: Db): Promise<void> => {
  await sql`create table pair_halves (pair text, half int)`.execute(db);
  await sql`create table singles (id text)`.execute(db);
};

/** `tell` is awaited before what it tells of is done. */
export const createWriter = (db: Db, tell: (id: string, state: WriteState) => void | Promise<void>) => ({
  /** Two rows in one transaction. */
  async writePair(): Promise<void> {
    const pair = randomUUID();
    await tell(pair, "begun");
    await db.transaction().execute(async (transaction) => {
      await sql`insert into pair_halves values (${pair}, 1)`.execute(transaction);
      await delay(randomInt(3));
      await sql`insert into pair_halves values (${pair}, 2)`.execute(transaction);
      await tell(pair, "sent");
    });
    await tell(pair, "acknowledged");
  },

  async writeSingle(): Promise<void> {
    const id = randomUUID();
    await tell(id, "sent");
    await sql`insert into singles values (${id})`.execute(db);
    await tell(id, "acknowledged");
  },
});

export const checkWrites = async (db: Db, writes: ReadonlyMap<string, WriteState>, { found }: Findings) => {
  const { rows: pairs } = await sql<{ id: string; first: number; second: number }>`
    select pair as id, count(case half when 1 then 1 end) as first, count(case half when 2 then 1 end) as second
    from pair_halves group by pair`.execute(db);
  const { rows: singles } = await sql<{ id: string; count: number }>`
    select id, count(*) as count from singles group by id`.execute(db);
  for (const { id, first, second } of pairs) {
    if (first !== second) found("halfTransactions", `${id} has ${first} and ${second}`);
    else if (first > 1) found("doubleWrites", `${id} was written ${first} times`);
    if (writes.get(id) === "begun") found("halfTransactions", `${id} is there, and was not committed`);
  }
  for (const { id, count } of singles) if (count > 1) found("doubleWrites", `${id} was written ${count} times`);
  const stored = new Set([...pairs, ...singles].map(({ id }) => id));
  for (const [id, state] of writes) {
    if (state === "acknowledged" && !stored.has(id)) found("lostWrites", `${id} is gone`);
  }
};
