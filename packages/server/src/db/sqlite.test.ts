import { chmodSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { engines, openTestDatabase } from "../../test/engines.ts";
import { type Db, openDatabase } from "./database.ts";
import { migrateToLatest, migrationNames } from "./migrate.ts";
import { folderFault } from "./sqlite-files.ts";
import { truncateLargeLog } from "./sqlite-log.ts";
import { DatabaseUnavailableError } from "./unavailable.ts";

it("names the columns of a row correctly after another process has added one", async () => {
  await using database = await openTestDatabase(engines[0].newDatabase);
  const { db } = database;
  const read = () =>
    db
      .selectFrom("spent_ids")
      .innerJoin("spent_ids as again", "again.id", "spent_ids.id")
      .selectAll("spent_ids")
      .select("again.expires_at as last")
      .execute();
  await db.insertInto("spent_ids").values({ id: "a", expires_at: 7 }).execute();
  expect(await read()).toEqual([{ id: "a", expires_at: 7, last: 7 }]);

  const other = new DatabaseSync(database.url.slice("file:".length));
  other.exec("alter table spent_ids add column added text default 'new'");
  other.close();
  expect(await read()).toEqual([{ id: "a", expires_at: 7, added: "new", last: 7 }]);
});

const openShort = async (limitMs: number) => {
  const { url, drop } = await engines[0].newDatabase();
  const db = await openDatabase(url, { limitMs });
  await migrateToLatest(db);
  const file = url.slice("file:".length);
  return {
    db,
    file,
    other: new DatabaseSync(file, { timeout: 0 }),
    insert: (id: string) => db.insertInto("spent_ids").values({ id, expires_at: 1 }).execute(),
    ids: async () => (await db.selectFrom("spent_ids").select("id").orderBy("id").execute()).map(({ id }) => id),
    async [Symbol.asyncDispose]() {
      this.other.close();
      await db.destroy();
      await drop();
    },
  };
};

const modeOf = (file: string) => (statSync(file).mode & 0o777).toString(8);

describe("while another process has the write lock", () => {
  it("serves reads and timers, and writes when the lock is free", async () => {
    await using opened = await openShort(60_000);
    opened.other.exec("begin immediate");
    const writing = Promise.all([
      opened.insert("a"),
      opened.db
        .transaction()
        .execute((transaction) => transaction.insertInto("spent_ids").values({ id: "b", expires_at: 1 }).execute()),
    ]);
    for (let turn = 0; turn < 5; turn++) {
      await delay(1);
      expect(await opened.ids()).toEqual([]);
    }
    opened.other.exec("commit");
    await writing;
    expect(await opened.ids()).toEqual(["a", "b"]);
  });

  it("refuses a write and a transaction after the limit, and stores nothing of them [S118]", async () => {
    await using opened = await openShort(30);
    opened.other.exec("begin immediate");
    await expect(opened.insert("a")).rejects.toThrow(DatabaseUnavailableError);
    await expect(opened.db.transaction().execute(async () => {})).rejects.toThrow(DatabaseUnavailableError);
    opened.other.exec("commit");
    await opened.insert("b");
    expect(await opened.ids()).toEqual(["b"]);
  });
});

it("allows a migration to wait longer than a call", async () => {
  const { url, drop } = await engines[0].newDatabase();
  const db = await openDatabase(url, { limitMs: 30 });
  const other = new DatabaseSync(url.slice("file:".length));
  other.exec("begin immediate");
  const migrated = expect(migrateToLatest(db)).resolves.toEqual(migrationNames);
  await expect(sql`create table calls (n integer)`.execute(db)).rejects.toThrow(DatabaseUnavailableError);
  other.exec("commit");
  await migrated;
  other.close();
  await db.destroy();
  await drop();
});

it("limits how long others wait for an open transaction [S118]", async () => {
  await using opened = await openShort(30);
  const open = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const transaction = opened.db.transaction().execute(async () => {
    begun.resolve();
    await open.promise;
  });
  await begun.promise;
  await expect(opened.ids()).rejects.toThrow(DatabaseUnavailableError);
  await expect(opened.insert("a")).rejects.toThrow(DatabaseUnavailableError);
  open.resolve();
  await transaction;
  await opened.insert("b");
  expect(await opened.ids()).toEqual(["b"]);
});

it("does not show uncommitted changes of an open transaction to reads", async () => {
  await using opened = await openShort(60_000);
  const written = Promise.withResolvers<void>();
  const failing = opened.db.transaction().execute(async (transaction) => {
    await transaction.insertInto("spent_ids").values({ id: "a", expires_at: 1 }).execute();
    written.resolve();
    await delay(1);
    throw new Error("undone");
  });
  await Promise.all([expect(failing).rejects.toThrow("undone"), written.promise]);
  expect(await opened.ids()).toEqual([]);
});

it("stores no part of a transaction when the disk is full, whatever its caller continues with [S119]", async () => {
  await using opened = await openShort(1000);
  const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(opened.db);
  await sql`pragma max_page_count = ${sql.lit((rows[0]?.page_count ?? 0) + 2)}`.execute(opened.db);
  const insert = (transaction: Db, id: string) =>
    transaction.insertInto("spent_ids").values({ id, expires_at: 1 }).execute();
  const working = opened.db.transaction().execute(async (transaction) => {
    await insert(transaction, "a");
    await insert(transaction, "b".repeat(20_000)).catch(() => {});
    await insert(transaction, "c");
  });
  await expect(working).rejects.toThrow(DatabaseUnavailableError);
  const ending = opened.db.transaction().execute(async (transaction) => {
    await insert(transaction, "a");
    await insert(transaction, "b".repeat(20_000)).catch(() => {});
  });
  await expect(ending).rejects.toThrow(DatabaseUnavailableError);
  await expect(opened.insert("d".repeat(20_000))).rejects.toThrow(DatabaseUnavailableError);
  expect(await opened.ids()).toEqual([]);
  await opened.insert("e");
  expect(await opened.ids()).toEqual(["e"]);
});

describe("a database file", () => {
  it.each(["", "-wal", "-shm"])(
    "acknowledges no write while %j is missing, and continues when it is back",
    async (suffix) => {
      await using opened = await openShort(1000);
      await opened.insert("a");
      renameSync(opened.file + suffix, `${opened.file}.away`);
      await expect(opened.insert("b")).rejects.toThrow("deleted or replaced");
      const inTransaction = opened.db
        .transaction()
        .execute((transaction) => transaction.insertInto("spent_ids").values({ id: "c", expires_at: 1 }).execute());
      await expect(inTransaction).rejects.toThrow(DatabaseUnavailableError);
      writeFileSync(opened.file + suffix, "");
      await expect(opened.insert("d")).rejects.toThrow("deleted or replaced");
      renameSync(`${opened.file}.away`, opened.file + suffix);
      await opened.insert("e");
      expect(await opened.ids()).toContain("e");
    },
  );

  it("is readable by its owner only, with its log and its new folder, also if it was not before [S97]", async () => {
    const { url, drop } = await engines[0].newDatabase();
    const file = url.slice("file:".length).replace(/test\.db$/, "new/folder/test.db");
    for (let time = 0; time < 2; time++) {
      const db = await openDatabase(`file:${file}`);
      await migrateToLatest(db);
      expect(["", "-wal", "-shm"].map((suffix) => modeOf(file + suffix))).toEqual(["600", "600", "600"]);
      await db.destroy();
      chmodSync(file, 0o644);
    }
    expect(modeOf(dirname(file))).toBe("700");
    expect(folderFault(file)).toBeNull();
    chmodSync(dirname(file), 0o777);
    expect(folderFault(file)?.problem).toMatch(/may write to .* \(mode 777\)/);
    await drop();
  });

  it("has its log truncated after a long read", async () => {
    await using opened = await openShort(1000);
    opened.other.exec("begin; select count(*) from spent_ids");
    for (let n = 0; n < 50; n++) await opened.insert(`${n}`.padEnd(10_000));
    const size = () => statSync(`${opened.file}-wal`).size;
    await truncateLargeLog(opened.db, 100_000);
    expect(size()).toBeGreaterThan(100_000);
    opened.other.exec("commit");
    await truncateLargeLog(opened.db, 100_000_000);
    expect(size()).toBeGreaterThan(100_000);
    await truncateLargeLog(opened.db, 100_000);
    expect(size()).toBe(0);
  });
});
