import { DatabaseSync } from "node:sqlite";
import { expect, it } from "vitest";
import { engines, openTestDatabase } from "../../test/engines.ts";

it("names the columns of a row rightly after another process has added one", async () => {
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
