import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { describe, expect, inject, it, vi } from "vitest";
import { engines, openTestDatabase } from "../../test/engines.ts";
import type { Db } from "./database.ts";
import { createNews, type ListenOptions } from "./news.ts";

const [sqlite, postgres] = engines;

const waitFor = <T>(assertion: () => T | Promise<T>) => vi.waitFor(assertion, { timeout: inject("patienceMs") });

/** A server as far as news are concerned. It listens when this resolves. */
const openServer = async (db: Db, url: string, options: Partial<ListenOptions> = {}) => {
  const news = createNews({ db, now: Date.now, newId: randomUUID });
  const heard: unknown[] = [];
  const errors: unknown[] = [];
  news.begin({ url, hear: (piece) => heard.push(piece), report: (error) => errors.push(error), ...options });
  return { ...news, heard, errors, [Symbol.asyncDispose]: news.end };
};

const listeners = async (db: Db): Promise<number> => {
  const { rows } = await sql<{ pid: number }>`
    select pid from pg_stat_activity where datname = current_database() and query like 'select id, payload from news%'`.execute(
    db,
  );
  return rows.length;
};

describe("news between servers of one PostgreSQL database", () => {
  it("reach every other server once, in order, and not the one that told them", async () => {
    await using database = await openTestDatabase(postgres.newDatabase);
    const { db, url } = database;
    await using a = await openServer(db, url);
    await using b = await openServer(db, url);
    await using c = await openServer(db, url);
    await waitFor(async () => expect(await listeners(db)).toBe(3));
    for (let n = 0; n < 20; n++) a.tell({ n });
    await a.told();
    c.tell("later");
    await waitFor(() => expect(b.heard).toHaveLength(21));
    expect(b.heard).toEqual([...Array.from({ length: 20 }, (_, n) => ({ n })), "later"]);
    await waitFor(() => expect(a.heard).toEqual(["later"]));
    expect(c.heard).toHaveLength(20);
  });

  it("may be longer than a notification", async () => {
    await using database = await openTestDatabase(postgres.newDatabase);
    const { db, url } = database;
    await using a = await openServer(db, url);
    await using b = await openServer(db, url);
    await waitFor(async () => expect(await listeners(db)).toBe(2));
    const long = "ž".repeat(20_000);
    a.tell({ long });
    a.tell("with it");
    await waitFor(() => expect(b.heard).toEqual([{ long }, "with it"]));
    expect(a.errors).toEqual([]);
  });

  it("are told in a notification up to its limit of 8000 bytes", async () => {
    await using database = await openTestDatabase(postgres.newDatabase);
    const { db, url } = database;
    await using a = await openServer(db, url);
    await using b = await openServer(db, url);
    await waitFor(async () => expect(await listeners(db)).toBe(2));
    // Three bytes each: the longest are in the notification, the next are in the table.
    const texts = [1990, 1996, 1997, 2700, 4000].map((length) => "€".repeat(length));
    for (const text of texts) {
      a.tell(text);
      await a.told();
    }
    await waitFor(() => expect(b.heard).toEqual(texts));
    expect(await db.selectFrom("news").select("id").execute()).toHaveLength(texts.length);
  });

  it("of an hour in which a server did not listen are gone, and it polls until it has listened for a while", async () => {
    await using database = await openTestDatabase(postgres.newDatabase);
    const { db, url } = database;
    const clock = { now: Date.now() };
    const create = () => createNews({ db, now: () => clock.now, newId: randomUUID });
    const a = create();
    a.tell("missed");
    await a.told();
    clock.now += 3_600_000;
    await a.deleteOld(10);
    const b = create();
    const heard: unknown[] = [];
    b.begin({ url, hear: (piece) => heard.push(piece), report: () => {} });
    try {
      await waitFor(async () => expect(await listeners(db)).toBe(1));
      a.tell("new");
      await waitFor(() => expect(heard).toEqual(["new"]));
      expect(b.isInformed()).toBe(false);
      clock.now += 2000;
      expect(b.isInformed()).toBe(true);
    } finally {
      await b.end();
    }
  });

  it("that were told while a server's connection was lost reach it once it listens again", async () => {
    await using database = await openTestDatabase(postgres.newDatabase);
    const { db, url } = database;
    await using a = await openServer(db, url);
    await using b = await openServer(db, url);
    await waitFor(async () => expect(await listeners(db)).toBe(2));
    a.tell("before");
    await waitFor(() => expect(b.heard).toEqual(["before"]));
    for (let cut = 1; cut <= 3; cut++) {
      await sql`
        select pg_terminate_backend(pid, 10000) from pg_stat_activity
        where datname = current_database() and query like 'select id, payload from news%'`.execute(db);
      a.tell({ cut });
      await waitFor(() => expect(b.heard).toHaveLength(1 + cut));
      await waitFor(async () => expect(await listeners(db)).toBe(2));
    }
    expect(b.heard).toEqual(["before", { cut: 1 }, { cut: 2 }, { cut: 3 }]);
    expect(b.errors).not.toEqual([]);
    expect(b.isInformed()).toBe(false);
  });

  it("whose notification was lost are found in the table, once", async () => {
    await using database = await openTestDatabase(postgres.newDatabase);
    const { db, url } = database;
    await using b = await openServer(db, url, { lookEveryMs: 20 });
    await waitFor(async () => expect(await listeners(db)).toBe(1));
    const row = { id: "quiet", at: Date.now(), server: "another", payload: '["lost"]' };
    await db.insertInto("news").values(row).execute();
    await waitFor(() => expect(b.heard).toEqual(["lost"]));
    await db
      .insertInto("news")
      .values({ ...row, id: "next", payload: '["next"]' })
      .execute();
    await waitFor(() => expect(b.heard).toEqual(["lost", "next"]));
  });

  it("fail no caller when the database does not answer", async () => {
    await using database = await openTestDatabase(postgres.newDatabase);
    const a = createNews({ db: database.db, now: Date.now, newId: randomUUID });
    await sql`alter table news rename to gone`.execute(database.db);
    a.tell("unheard");
    await a.told();
    await sql`alter table gone rename to news`.execute(database.db);
    a.tell("heard");
    await a.told();
    expect(await database.db.selectFrom("news").select("payload").execute()).toEqual([{ payload: '["heard"]' }]);
  });

  it("are deleted after ten minutes", async () => {
    await using database = await openTestDatabase(postgres.newDatabase);
    const { db } = database;
    const a = createNews({ db, now: Date.now, newId: randomUUID });
    a.tell("new");
    await a.told();
    const old = { at: Date.now() - 11 * 60_000, server: "another", payload: "[]" };
    await db
      .insertInto("news")
      .values([
        { id: "1", ...old },
        { id: "2", ...old },
      ])
      .execute();
    expect([await a.deleteOld(1), await a.deleteOld(10), await a.deleteOld(10)]).toEqual([1, 1, 0]);
    expect(await db.selectFrom("news").select("payload").execute()).toEqual([{ payload: '["new"]' }]);
  });
});

describe("news on SQLite", () => {
  it("are neither told nor heard", async () => {
    await using database = await openTestDatabase(sqlite.newDatabase);
    await using a = await openServer(database.db, database.url);
    a.tell("nothing");
    await a.told();
    expect(await database.db.selectFrom("news").selectAll().execute()).toEqual([]);
    expect(a.isInformed()).toBe(false);
    expect(a.errors).toEqual([]);
  });
});
