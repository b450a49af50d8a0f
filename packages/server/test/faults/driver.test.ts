// How the bridge to `pg` handles connections that are lost, late or no longer usable.

import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Db, openDatabase } from "../../src/db/database.ts";
import { withDatabaseLimit } from "../../src/db/time-limit.ts";
import { type Cluster, startCluster } from "./cluster.ts";

const limitMs = 1500;
const unavailable = expect.objectContaining({ name: "DatabaseUnavailableError" });

let cluster: Cluster;
let db: Db;

beforeAll(async () => {
  cluster = await startCluster();
  db = await openDatabase(cluster.url, { poolSize: 1, limitMs });
  await sql`create table rows (n int)`.execute(db);
});
afterAll(async () => {
  await db.destroy();
  await cluster[Symbol.asyncDispose]();
});

const backend = async (on: Db) => {
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(on);
  return rows[0]?.pid;
};
const stored = async () => (await sql<{ n: number }>`select n from rows order by n`.execute(db)).rows.map(({ n }) => n);

describe("a connection of PostgreSQL", () => {
  it("[S118] that died before anything was sent is replaced by a fresh one", async () => {
    await db.connection().execute(async (connection) => {
      await cluster.cut();
      expect(await backend(connection)).toBeGreaterThan(0);
    });
  });

  it("[S119] that died within a transaction is not replaced, and nothing of it is stored", async () => {
    const transaction = db.transaction().execute(async (transaction) => {
      await sql`insert into rows values (1)`.execute(transaction);
      await cluster.cut();
      await sql`insert into rows values (2)`.execute(transaction);
    });
    await expect(transaction).rejects.toThrow(unavailable);
    expect(await stored()).toEqual([]);
  });

  it("[S119] that died within a transaction accepts no more statements, even if the error was caught", async () => {
    const transaction = db.transaction().execute(async (transaction) => {
      await sql`insert into rows values (1)`.execute(transaction);
      await cluster.cut();
      await sql`insert into rows values (2)`.execute(transaction).catch(() => {});
      await sql`insert into rows values (3)`.execute(transaction).catch(() => {});
    });
    await expect(transaction).rejects.toThrow(unavailable);
    expect(await stored()).toEqual([]);
  });

  it("that died within a transaction does not hide the caller's error, since there is nothing to roll back", async () => {
    const transaction = db.transaction().execute(async (transaction) => {
      await cluster.cut();
      await sql`insert into rows values (1)`.execute(transaction).catch(() => {});
      throw new Error("the caller's own");
    });
    await expect(transaction).rejects.toThrow("the caller's own");
  });

  it("[S118] whose statement is late is abandoned, and the statement is cancelled", async () => {
    await expect(sql`select pg_sleep(600)`.execute(db)).rejects.toThrow(unavailable);
    const sleeping = () =>
      cluster.administer("select 1 from pg_stat_activity where query like 'select pg_sleep%' and state = 'active'");
    await expect.poll(sleeping).toEqual([]);
    expect(await backend(db)).toBeGreaterThan(0);
  });

  it("[S118] that turned out to be read-only, as after a failover, is not used again", async () => {
    const before = await backend(db);
    await sql`set default_transaction_read_only = on`.execute(db);
    await expect(sql`insert into rows values (4)`.execute(db)).rejects.toThrow(unavailable);
    expect(await backend(db)).not.toBe(before);
    await sql`insert into rows values (5)`.execute(db);
    expect(await stored()).toEqual([5]);
    await sql`delete from rows`.execute(db);
  });

  it("[S118] whose statement PostgreSQL stopped in time is used again", async () => {
    const before = await backend(db);
    await sql`set statement_timeout = 50`.execute(db);
    await expect(sql`select pg_sleep(600)`.execute(db)).rejects.toThrow(unavailable);
    expect(await backend(db)).toBe(before);
    await sql`reset statement_timeout`.execute(db);
  });

  it("[S118] whose waiting caller has left goes to the next caller", async () => {
    const held = Promise.withResolvers<void>();
    const holding = db.connection().execute(async (connection) => {
      await backend(connection);
      await held.promise;
    });
    await expect(withDatabaseLimit(20, () => backend(db))).rejects.toThrow(unavailable);
    held.resolve();
    await holding;
    expect(await backend(db)).toBeGreaterThan(0);
  });

  it("[S119] that is released within a transaction is not used again", async () => {
    const before = await backend(db);
    await db.connection().execute((connection) => sql`begin`.execute(connection));
    expect(await backend(db)).not.toBe(before);
  });

  it("[S118] limits statements, locks and idle time within a transaction, and not after it", async () => {
    const limits = async (on: Db) =>
      (
        await sql<{ ms: number }>`select extract(epoch from current_setting(name)::interval) * 1000 as ms from unnest(
          array['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout']) as name`.execute(on)
      ).rows.map(({ ms }) => Number(ms));
    const [statement = 0, lock = 0, idle = 0] = await db.transaction().execute(limits);
    expect(lock).toBeGreaterThan(0);
    expect(lock).toBeLessThan(statement);
    expect(statement).toBeLessThan(limitMs);
    expect(idle).toBeGreaterThan(statement);
    expect(await limits(db)).toEqual([0, 0, 0]);
  });
});
