// Writes through the driver during faults, and checks the database afterwards: each transaction is complete or absent,
// and all acknowledged writes are stored. Writes without an acknowledgement may be stored or not, since the answer to a
// `commit` can be lost.

import { randomInt, randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { sql } from "kysely";
import type { Db } from "../../src/db/database.ts";
import type { Findings } from "./findings.ts";

/** `begun`: not committed yet, so it must not be stored. */
export type WriteState = "begun" | "sent" | "acknowledged";

/** Without unique keys, so that a statement that ran twice is visible. */
export const createWriteTables = async (db: Db): Promise<void> => {
  await sql`create table pair_halves (pair text, half int)`.execute(db);
  await sql`create table singles (id text)`.execute(db);
};

/** `tell` is awaited before the reported step. */
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
