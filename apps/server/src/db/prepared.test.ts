import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { engines, openTestDatabase } from "../../test/engines.ts";
import { prepared } from "./prepared.ts";

describe.each(engines)("a prepared query on $engine", ({ newDatabase }) => {
  it("is built once and takes the values of each run, by name, as often as they occur", async () => {
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

  it("writes null, and answers what it returns", async () => {
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
