import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import type { Migration } from "kysely/migration";
import { describe, expect, it } from "vitest";
import { engines } from "../../test/engines.ts";
import { type Migrations, missingAppMigrations } from "./app-migrations.ts";
import { openDatabase } from "./database.ts";
import { migrateToLatest, migrationNames } from "./migrate.ts";

const notes: Migration = {
  async up(db) {
    await db.schema
      .createTable("notes")
      .addColumn("id", "text", (column) => column.primaryKey())
      .addColumn("user_id", "text", (column) => column.notNull().references("users.id").onDelete("cascade"))
      .execute();
  },
};
const tags: Migration = { up: (db) => db.schema.alterTable("notes").addColumn("tags", "text").execute() };

describe.each(engines)("an app's migrations on $engine", ({ newDatabase }) => {
  const open = async () => {
    const database = await newDatabase();
    const db = await openDatabase(database.url);
    return {
      db,
      migrate: (...migrations: Migrations[]) => migrateToLatest(db, migrations),
      async [Symbol.asyncDispose]() {
        await db.destroy();
        await database.drop();
      },
    };
  };

  it("run after the engine's, each once, and may reference its users", async () => {
    await using opened = await open();
    expect(await opened.migrate({ "0001-notes": notes })).toEqual([...migrationNames, "0001-notes"]);
    expect(await opened.migrate({ "0001-notes": notes })).toEqual([]);
    const both = { "0002-tags": tags, "0001-notes": notes };
    expect(await missingAppMigrations(opened.db, [both])).toEqual(["0002-tags"]);
    expect(await opened.migrate({ "0002-tags": tags, "0001-notes": notes })).toEqual(["0002-tags"]);
    await expect(sql`insert into notes (id, user_id) values ('1', 'nobody')`.execute(opened.db)).rejects.toThrow();
  });

  it("may have the same names as the engine's migrations", async () => {
    await using opened = await open();
    const [first = ""] = migrationNames;
    expect(await opened.migrate({ [first]: notes })).toEqual([...migrationNames, first]);
  });

  it("are all or nothing: a failing one changes nothing, and is named with its reason", async () => {
    await using opened = await open();
    const failing: Migration = { up: (db) => db.schema.alterTable("nothing").addColumn("x", "text").execute() };
    await expect(opened.migrate({ "0001-notes": notes, "0002-failing": failing })).rejects.toThrow(
      /^The migration 0002-failing failed, and nothing was changed: .*nothing/,
    );
    const names = (await opened.db.introspection.getTables()).map(({ name }) => name);
    expect(names).not.toContain("notes");
    expect(names).not.toContain("users");
    expect(await opened.migrate({ "0001-notes": notes })).toEqual([...migrationNames, "0001-notes"]);
  });

  it("are refused when one was changed after it ran, with its name and what to do", async () => {
    await using opened = await open();
    await opened.migrate({ "0001-notes": notes });
    const changed: Migration = {
      up: (db) => db.schema.createTable("notes").addColumn("id", "text").execute(),
    };
    await expect(opened.migrate({ "0001-notes": changed })).rejects.toThrow(
      "The migration 0001-notes was changed after it ran in this database. Restore it, and make the change in a new migration.",
    );
  });

  it("have the same checksum in any formatting, and whatever rows they read", async () => {
    await using opened = await open();
    const reading: Migration = {
      async up(db) {
        await db.schema.createTable("counts").addColumn("users", "integer").execute();
        const { rows } = await sql<{ users: number }>`select count(*) as users from users`.execute(db);
        await sql`insert into counts (users) values (${Number(rows[0]?.users)})`.execute(db);
      },
    };
    await opened.migrate({ "0001-counts": reading });
    const rewritten: Migration = {
      up: async (database) => {
        await database.schema.createTable("counts").addColumn("users", "integer").execute();
        const counted = await sql<{ users: number }>`select count(*) as users from users`.execute(database);
        await sql`insert into counts (users) values (${Number(counted.rows[0]?.users)})`.execute(database);
      },
    };
    expect(await opened.migrate({ "0001-counts": rewritten })).toEqual([]);
    const { rows } = await sql`select users from counts`.execute(opened.db);
    expect(rows).toEqual([{ users: 0 }]);
  });

  it("are refused before they are recorded when their SQL has random values, which would prevent each later start", async () => {
    await using opened = await open();
    const filling = (value: (id: string) => unknown): Migration => ({
      async up(db) {
        await db.schema.createTable("keys").addColumn("id", "text").execute();
        await sql`insert into keys (id) values (${value(randomUUID())})`.execute(db);
      },
    });
    await expect(opened.migrate({ "0001-keys": filling(sql.lit) })).rejects.toThrow(
      "The migration 0001-keys makes other SQL each time, so a changed one could not be told from it. Pass times and random values as parameters, not as text.",
    );
    expect(await opened.migrate({ "0001-keys": filling((id) => id) })).toContain("0001-keys");
    expect(await opened.migrate({ "0001-keys": filling((id) => id) })).toEqual([]);
  });

  it("keep their checksum when Kysely is updated, or no app could start", async () => {
    await using opened = await open();
    await opened.migrate({ "0001-notes": notes, "0002-tags": tags });
    const { rows } = await sql<{ checksum: string }>`select checksum from app_migration order by name`.execute(
      opened.db,
    );
    expect(rows.map(({ checksum }) => checksum.slice(0, 12))).toEqual(["6b680f17cb4f", "702db7a181e8"]);
  });

  it("are refused when one that ran is missing, or one was inserted before it", async () => {
    await using opened = await open();
    await opened.migrate({ "0002-notes": notes });
    await expect(opened.migrate({ "0003-tags": tags })).rejects.toThrow(
      "The migration 0002-notes ran in this database, and the app no longer has it. Restore it: a migration must not change after it ran.",
    );
    await expect(opened.migrate({ "0001-tags": tags, "0002-notes": notes })).rejects.toThrow(
      "The migration 0001-tags comes before 0002-notes, which ran in this database already. Give it a name that comes after.",
    );
  });

  it("of a newer version of the app do not prevent an older one from starting", async () => {
    await using opened = await open();
    await opened.migrate({ "0001-notes": notes, "0002-tags": tags });
    expect(await opened.migrate({ "0001-notes": notes })).toEqual([]);
    expect(await opened.migrate({})).toEqual([]);
  });
});
