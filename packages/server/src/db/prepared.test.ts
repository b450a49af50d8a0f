import { type Compilable, sql } from "kysely";
import { describe, expect, it } from "vitest";
import { engines, openTestDatabase } from "../../test/engines.ts";
import { type Db, openDatabase } from "./database.ts";
import { migrateToLatest } from "./migrate.ts";
import { prepared } from "./prepared.ts";

describe.each(engines)("a prepared query on $engine", ({ newDatabase }) => {
  it("is built once and uses the values of each run, by name, as often as they occur", async () => {
    await using database = await openTestDatabase(newDatabase);
    const { db } = database;
    let built = 0;
    const between = prepared(db, ({ low, high }: { low: number; high: number }) => {
      built++;
      return db
        .selectFrom(sql<{ n: number }>`(select 1 as n union select 2 union select 3)`.as("numbers"))
        .select("n")
        .where("n", ">=", low)
        .where("n", "<=", high)
        .where("n", "!=", 0)
        .where(({ eb, and }) => and([eb("n", ">=", low), eb("n", "<=", high)]))
        .orderBy("n");
    });
    expect(built).toBe(0);
    expect((await between({ high: 2, low: 1 })).map(({ n }) => Number(n))).toEqual([1, 2]);
    expect((await between({ low: 3, high: 9 })).map(({ n }) => Number(n))).toEqual([3]);
    expect(await between({ low: 4, high: 9 })).toEqual([]);
    expect(built).toBe(1);
  });

  it("writes null, and returns rows", async () => {
    await using database = await openTestDatabase(newDatabase);
    const { db } = database;
    const add = prepared(db, (user: { id: string; email: string | null }) =>
      db
        .insertInto("users")
        .values({
          id: user.id,
          username: user.id,
          email: user.email,
          full_name: "",
          role: "user",
          disabled: 0,
          password_hash: null,
          created_at: 1,
        })
        .returning(["id", "email"]),
    );
    expect(await add({ id: "a", email: null })).toEqual([{ id: "a", email: null }]);
    expect(await add({ id: "b", email: "b@example.com" })).toEqual([{ id: "b", email: "b@example.com" }]);
  });
});

describe("a prepared query that does more with a value than pass it on", () => {
  type Given = { name: string; limit: number };
  const users = (db: Db) => db.selectFrom("users").selectAll();

  it.each<[string, (db: Db, given: Given) => Compilable<unknown>]>([
    ["a template literal", (db, { name }) => users(db).where("username", "like", `%${name}%`)],
    ["String", (db, { name }) => users(db).where("username", "=", String(name))],
    ["joining", (db, { name }) => users(db).where("username", "like", [name, "%"].join(""))],
    ["JSON", (db, { name }) => users(db).where("username", "=", JSON.stringify({ name }))],
    ["a method of the value", (db, { name }) => users(db).where("username", "=", name.toLowerCase())],
    ["a property of the value", (db, { name }) => users(db).where("username", "=", name.length > 0 ? name : "nobody")],
    ["a comparison", (db, { limit }) => users(db).limit(Math.min(limit, 100))],
    ["arithmetic", (db, { limit }) => users(db).where("created_at", "<", limit + 1)],
    ["raw SQL", (db, { name }) => users(db).where(sql<boolean>`username = ${sql.raw(name)}`)],
    ["spreading", (db, given) => users(db).where("username", "=", { ...given }.name)],
    ["listing", (db, given) => users(db).where("username", "in", Object.values(given).map(String))],
  ])("fails, and names the value: %s", async (_, build) => {
    const [{ newDatabase }] = engines;
    await using database = await openTestDatabase(newDatabase);
    const { db } = database;
    const query = prepared(db, (given: Given) => build(db, given));
    const running = query({ name: "john", limit: 1 });
    await expect(running).rejects.toThrow(TypeError);
    await expect(running).rejects.toThrow(/pass `(name|limit)` to Kysely as it is|cannot be listed/);
  });
});

describe("a prepared query on PostgreSQL", () => {
  const [, { newDatabase }] = engines;

  const read = (db: Db) =>
    prepared(db, ({ id }: { id: string }) => db.selectFrom("spent_ids").selectAll().where("id", "=", id));

  it("is planned once for each connection", async () => {
    const database = await newDatabase();
    const db = await openDatabase(database.url, { poolSize: 1 });
    await migrateToLatest(db);
    const find = read(db);
    for (const id of ["a", "b", "c"]) expect(await find({ id })).toEqual([]);
    const { rows } = await sql<{
      statement: string;
    }>`select statement from pg_prepared_statements where name like 'lockstep%'`.execute(db);
    expect(rows.map(({ statement }) => statement)).toEqual([expect.stringContaining('from "spent_ids"')]);
    await db.destroy();
    await database.drop();
  });

  it("continues when a newer server adds a column, which makes its plan unusable", async () => {
    const database = await newDatabase();
    const db = await openDatabase(database.url, { poolSize: 1 });
    await migrateToLatest(db);
    await db.insertInto("spent_ids").values({ id: "a", expires_at: 7 }).execute();
    const find = read(db);
    expect(await find({ id: "a" })).toEqual([{ id: "a", expires_at: 7 }]);
    await sql`alter table spent_ids add column added text default 'new'`.execute(db);
    for (let round = 0; round < 3; round++)
      expect(await find({ id: "a" })).toEqual([{ id: "a", expires_at: 7, added: "new" }]);
    await db.destroy();
    await database.drop();
  });
});
