import { afterEach, describe, expect, it, vi } from "vitest";
import { engines, openTestDatabase } from "../../test/engines.ts";
import type { Db } from "./database.ts";
import { lookup } from "./lookup.ts";

afterEach(() => vi.restoreAllMocks());

const spentUntil = (db: Db) =>
  lookup(db, (asked) =>
    db
      .selectFrom(asked.as("asked"))
      .innerJoin("spent_ids", "spent_ids.id", "asked.value")
      .select(["asked.value as key", "expires_at"]),
  );

const spend = (db: Db, id: string, expiresAt: number) =>
  db.insertInto("spent_ids").values({ id, expires_at: expiresAt }).execute();

describe.each(engines)("a lookup on $engine", ({ engine, newDatabase }) => {
  it("returns the row of each ID, and null where there is none, for any ID", async () => {
    await using database = await openTestDatabase(newDatabase);
    const { db } = database;
    const odd = [`'"]\\,`, "ü€😀", "", " a"];
    for (const [n, id] of odd.entries()) await spend(db, id, n);
    const find = spentUntil(db);
    const found = await Promise.all([...odd, "gone", odd[0] ?? ""].map(find));
    expect(found.map((row) => row?.expires_at ?? null)).toEqual([0, 1, 2, 3, null, 0]);
    expect(found[1]).toEqual({ key: "ü€😀", expires_at: 1 });
  });

  it("returns null for an ID that cannot be stored, and the rows of the other IDs", async () => {
    await using database = await openTestDatabase(newDatabase);
    const { db } = database;
    await spend(db, "a", 1);
    const find = spentUntil(db);
    const found = await Promise.all(["a\0b", "a", "\ud800"].map(find));
    expect(found.map((row) => row?.expires_at ?? null)).toEqual([null, 1, null]);
  });

  it("queries once for a turn of the event loop, and again in the next", async () => {
    await using database = await openTestDatabase(newDatabase);
    const { db } = database;
    await spend(db, "a", 1);
    const find = spentUntil(db);
    const queries = vi.spyOn(db, "executeQuery");
    await Promise.all(["a", "b", "a", "c"].map(find));
    expect(queries).toHaveBeenCalledTimes(1);
    await find("a");
    expect(queries).toHaveBeenCalledTimes(2);
  });

  if (engine === "PostgreSQL") {
    it("gathers what is asked for while a query runs, for a few milliseconds at most", async () => {
      await using database = await openTestDatabase(newDatabase);
      const { db } = database;
      await spend(db, "a", 1);
      const find = spentUntil(db);
      const execute = db.executeQuery.bind(db);
      const held: (() => void)[] = [];
      let sent = 0;
      vi.spyOn(db, "executeQuery").mockImplementation(async (query) => {
        sent++;
        if (sent === 1) await new Promise<void>((release) => held.push(release));
        return execute(query);
      });
      const nextTurn = () => new Promise((resolve) => setImmediate(resolve));
      const reads = [find("a")];
      for (let turn = 0; turn < 3; turn++) {
        await nextTurn();
        reads.push(find("a"));
      }
      expect(sent).toBe(1);
      // The first query never ends as far as the others know: they are sent without it.
      await Promise.all(reads.slice(1));
      expect(sent).toBe(2);
      for (const release of held) release();
      expect((await reads[0])?.expires_at).toBe(1);
    });
  }

  it("caches nothing: it reads what was written before the call", async () => {
    await using database = await openTestDatabase(newDatabase);
    const { db } = database;
    const find = spentUntil(db);
    expect(await find("a")).toBeNull();
    await spend(db, "a", 1);
    expect((await find("a"))?.expires_at).toBe(1);
    await db.updateTable("spent_ids").set({ expires_at: 2 }).execute();
    expect((await find("a"))?.expires_at).toBe(2);
    await db.deleteFrom("spent_ids").execute();
    expect(await find("a")).toBeNull();
  });

  it("rejects for each caller when the database fails, and queries again for the next", async () => {
    await using database = await openTestDatabase(newDatabase);
    const { db } = database;
    await spend(db, "a", 1);
    const find = spentUntil(db);
    vi.spyOn(db, "executeQuery").mockRejectedValueOnce(new Error("no answer"));
    const asked = await Promise.allSettled([find("a"), find("b")]);
    expect(asked.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect((await find("a"))?.expires_at).toBe(1);
  });
});
