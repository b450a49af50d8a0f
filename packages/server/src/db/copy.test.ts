import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { engines, type NewDatabase } from "../../test/engines.ts";
import { canMountDisk, mountDisk } from "../../test/faults/disk.ts";
import type { Migrations } from "./app-migrations.ts";
import { type CopyOptions, copyDatabase } from "./copy.ts";
import { type DatabaseUrl, type Db, isPostgres, openDatabase } from "./database.ts";
import { migrateToLatest } from "./migrate.ts";

const [sqlite, postgres] = engines;

const copyProcess = join(import.meta.dirname, "../../test/copy-process.ts");

/** An app's tables, with what the engines differ in. */
const appMigrations: Migrations = {
  "0001-trees": {
    async up(db) {
      const of = <T>(onPostgres: T, onSqlite: T) => (isPostgres(db as Db) ? onPostgres : onSqlite);
      await db.schema
        .createTable("trees")
        .addColumn("number", of(sql`serial`, sql`integer`), (column) => column.primaryKey())
        .addColumn("planted", of("boolean", "integer"))
        .addColumn("rings", of("jsonb", "text"))
        .addColumn("seen_at", of("timestamptz", "text"))
        .addColumn("picture", of("bytea", "blob"))
        .addColumn("height", "double precision")
        .execute();
      await db.schema
        .createTable("branches")
        .addColumn("tree", "integer", (column) => column.references("trees.number"))
        .addColumn("name", "text")
        .addPrimaryKeyConstraint("branches_key", ["tree", "name"])
        .execute();
    },
  },
};

const open = async (newDatabase: () => Promise<NewDatabase>, migrations: readonly Migrations[] = [appMigrations]) => {
  const database = await newDatabase();
  const db = await openDatabase(database.url);
  await migrateToLatest(db, migrations);
  return {
    db,
    url: database.url,
    async [Symbol.asyncDispose]() {
      await db.destroy();
      await database.drop();
    },
  };
};

const addUsers = async (db: Db, count: number, prefix = "user") => {
  const rows = Array.from({ length: count }, (_, n) => ({
    id: `${n % 2 ? "Z" : "a"}-${prefix}-${n}`,
    username: `${prefix}-${n}`,
    email: `${prefix}-${n}@example.com`,
    full_name: `Žluťoučký kůň ${n} 🐴`,
    role: "user",
    disabled: 0 as const,
    password_hash: null,
    created_at: 1_795_441_415_893 + n,
  }));
  for (let start = 0; start < count; start += 500)
    await db
      .insertInto("users")
      .values(rows.slice(start, start + 500))
      .execute();
};

const addTrees = async (db: Db) => {
  const onPostgres = isPostgres(db);
  await sql`
    insert into trees (number, planted, rings, seen_at, picture, height) values
      (7, ${onPostgres ? true : 1}, ${'{"b": [1, 2], "a": {"z": null, "y": "ž"}}'}, ${"2026-11-27T10:00:00.000Z"}, ${Buffer.from([0, 255, 10])}, ${12.5}),
      (9, ${null}, ${null}, ${null}, ${null}, ${null})`.execute(db);
  await sql`insert into branches (tree, name) values (7, 'b'), (7, 'A'), (9, 'ž')`.execute(db);
};

const copy = (source: Db, target: Db, options: Partial<CopyOptions> = {}) =>
  copyDatabase({
    source,
    target,
    sourceName: "the source",
    appMigrations: [appMigrations],
    more: false,
    onProgress() {},
    ...options,
  });

const usersOf = async (db: Db) =>
  (await db.selectFrom("users").selectAll().execute()).toSorted(
    (a, b) => a.created_at - b.created_at || (a.id < b.id ? -1 : 1),
  );

describe.each([
  { from: sqlite, to: postgres },
  { from: postgres, to: sqlite },
  { from: sqlite, to: sqlite },
  { from: postgres, to: postgres },
])("a copy from $from.engine to $to.engine", ({ from, to }) => {
  it("has all rows of the engine and of the app, with values of every type", async () => {
    await using source = await open(from.newDatabase);
    await using target = await open(to.newDatabase, []);
    await addUsers(source.db, 1203);
    await addTrees(source.db);
    const copied = await copy(source.db, target.db);
    expect(copied).toContainEqual(expect.objectContaining({ table: "users", rows: 1203, written: 1203, removed: 0 }));
    expect(copied).toContainEqual(expect.objectContaining({ table: "branches", rows: 3, written: 3 }));
    expect(await usersOf(target.db)).toEqual(await usersOf(source.db));
    const { rows } = await sql<Record<string, unknown>>`select * from trees order by number`.execute(target.db);
    const [tree, empty] = rows;
    expect(empty).toEqual({ number: 9, planted: null, rings: null, seen_at: null, picture: null, height: null });
    expect({
      ...tree,
      planted: Boolean(tree?.["planted"]),
      rings: typeof tree?.["rings"] === "string" ? JSON.parse(tree["rings"]) : tree?.["rings"],
      seen_at: new Date(tree?.["seen_at"] as string).toISOString(),
      picture: [...((tree?.["picture"] ?? []) as Uint8Array)],
    }).toEqual({
      number: 7,
      planted: true,
      rings: { b: [1, 2], a: { z: null, y: "ž" } },
      seen_at: "2026-11-27T10:00:00.000Z",
      picture: [0, 255, 10],
      height: 12.5,
    });
  });

  it("transfers what has changed when it is repeated, and nothing else", async () => {
    await using source = await open(from.newDatabase);
    await using target = await open(to.newDatabase, []);
    await addUsers(source.db, 20);
    await addTrees(source.db);
    await copy(source.db, target.db, { more: true });
    await source.db.deleteFrom("users").where("username", "=", "user-3").execute();
    // Free since the user above is gone, so the order of the changes matters.
    await source.db.updateTable("users").set({ username: "user-3" }).where("username", "=", "user-4").execute();
    await addUsers(source.db, 2, "later");
    const again = await copy(source.db, target.db, { more: true });
    expect(again.filter(({ written, removed }) => written + removed > 0)).toEqual([
      expect.objectContaining({ table: "users", rows: 21, written: 3, removed: 1 }),
    ]);
    expect(await usersOf(target.db)).toEqual(await usersOf(source.db));
    const last = await copy(source.db, target.db);
    expect(last.every(({ written, removed }) => written + removed === 0)).toBe(true);
  });
});

describe("a copy", () => {
  it("continues after it was interrupted at any point", async () => {
    await using source = await open(sqlite.newDatabase);
    await using target = await open(postgres.newDatabase, []);
    await addUsers(source.db, 5100);
    await addTrees(source.db);
    for (let chunks = 1; chunks <= 10; chunks++) {
      let left = chunks;
      const interrupted = copy(source.db, target.db, {
        onProgress() {
          if (--left === 0) throw new Error("killed");
        },
      });
      await expect(interrupted).rejects.toThrow("killed");
      // It can't be taken for a whole database.
      await expect(migrateToLatest(target.db, [appMigrations])).rejects.toThrow(
        /A copy of the source into this database is not finished/,
      );
    }
    const copied = await copy(source.db, target.db);
    expect(copied.find(({ table }) => table === "users")?.written).toBeLessThan(5100);
    expect(await usersOf(target.db)).toEqual(await usersOf(source.db));
    expect(await migrateToLatest(target.db, [appMigrations])).toEqual([]);
  });

  it("continues after its process was killed", async () => {
    await using source = await open(sqlite.newDatabase, []);
    await using target = await open(postgres.newDatabase, []);
    await addUsers(source.db, 6000);
    for (const chunks of [2, 6, 10]) {
      const killed = fork(copyProcess, [source.url, target.url, String(chunks)]);
      expect(await once(killed, "exit")).toEqual([null, "SIGKILL"]);
      await expect(migrateToLatest(target.db)).rejects.toThrow(
        /A copy of the source into this database is not finished/,
      );
    }
    const copied = await copy(source.db, target.db, { appMigrations: [] });
    expect(copied.find(({ table }) => table === "users")?.written).toBeLessThan(6000);
    expect(await usersOf(target.db)).toEqual(await usersOf(source.db));
  });

  if (canMountDisk)
    it("continues after the target's disk was full", async () => {
      using disk = mountDisk(16 * 2 ** 20);
      await using source = await open(sqlite.newDatabase);
      const target = await openDatabase(`file:${join(disk.folder, "copy.db")}`);
      await addUsers(source.db, 5000);
      const full = copy(source.db, target, {
        onProgress({ table }) {
          if (table === "users") disk.fill();
        },
      });
      await expect(full).rejects.toThrow(/full/);
      disk.makeRoom();
      await expect(migrateToLatest(target, [appMigrations])).rejects.toThrow(/is not finished/);
      await copy(source.db, target);
      expect(await usersOf(target)).toEqual(await usersOf(source.db));
      await target.destroy();
    });

  it.each(engines)("reads one state of $engine while others write", async ({ newDatabase }) => {
    await using source = await open(newDatabase);
    await using target = await open(sqlite.newDatabase, []);
    await addUsers(source.db, 1200);
    const server = await openDatabase(source.url);
    const before = await usersOf(source.db);
    let writes: Promise<unknown> = Promise.resolve();
    await copy(source.db, target.db, {
      onProgress({ table }) {
        if (table !== "users") return;
        writes = writes.then(() =>
          server
            .deleteFrom("users")
            .where("created_at", ">", before[3]?.created_at ?? 0)
            .execute(),
        );
      },
    });
    await writes;
    expect(await usersOf(target.db)).toEqual(before);
    expect(await usersOf(server)).toHaveLength(4);
    await server.destroy();
  });

  it("goes on counting after the copied rows", async () => {
    await using source = await open(sqlite.newDatabase);
    await using target = await open(postgres.newDatabase, []);
    await addTrees(source.db);
    await copy(source.db, target.db);
    const { rows } = await sql<{ number: number }>`insert into trees (planted) values (true) returning number`.execute(
      target.db,
    );
    expect(rows).toEqual([{ number: 10 }]);
  });

  it("notices that something else writes to the target", async () => {
    await using source = await open(sqlite.newDatabase);
    await using target = await open(postgres.newDatabase, []);
    await addUsers(source.db, 3);
    const copied = copy(source.db, target.db, {
      onProgress({ table }) {
        if (table === "users") void target.db.deleteFrom("users").execute();
      },
    });
    await expect(copied).rejects.toThrow(/The table users differs after it was copied \(3 rows in the source/);
  });
});

describe("a copy is refused, and writes nothing,", () => {
  const refusal = async (source: Db, target: Db, options: Partial<CopyOptions> = {}) =>
    copy(source, target, options).then(
      () => "copied",
      (error: Error) => error.message,
    );

  it("when the target has rows", async () => {
    await using source = await open(sqlite.newDatabase);
    await using target = await open(sqlite.newDatabase);
    await addUsers(target.db, 2);
    expect(await refusal(source.db, target.db)).toBe(
      "The target is not empty: users has 2 rows. Use an empty database.",
    );
    expect(await usersOf(target.db)).toHaveLength(2);
  });

  it("when the target has an unfinished copy of another source", async () => {
    await using source = await open(sqlite.newDatabase);
    await using target = await open(sqlite.newDatabase, []);
    await copy(source.db, target.db, { sourceName: "another", more: true });
    expect(await refusal(source.db, target.db)).toContain("an unfinished copy of another");
    expect(await refusal(target.db, source.db)).toContain("A copy of another into this database is not finished");
  });

  it("when the source is older or newer", async () => {
    await using source = await open(sqlite.newDatabase);
    await using target = await open(sqlite.newDatabase, []);
    await sql`update schema_version set version = version + 1`.execute(source.db);
    expect(await refusal(source.db, target.db)).toContain("migrated by a newer version");
    await sql`update schema_version set version = version + 1`.execute(source.db);
    expect(await refusal(source.db, target.db)).toContain("made by a newer version");
    await sql`update schema_version set version = version - 2`.execute(source.db);
    await sql`delete from kysely_migration where name = (select max(name) from kysely_migration)`.execute(source.db);
    expect(await refusal(source.db, target.db)).toContain("Run `lockstep migrate` on it first");
  });

  it("when the source has a table that no migration creates, or one without a key", async () => {
    await using source = await open(sqlite.newDatabase);
    await using target = await open(sqlite.newDatabase, []);
    await sql`create table left_over (id text)`.execute(source.db);
    expect(await refusal(source.db, target.db)).toContain("has a table left_over, which no migration");
    await sql`create table left_over (id text)`.execute(target.db);
    expect(await refusal(source.db, target.db)).toContain("The table left_over has no primary key");
    await sql`alter table left_over add column name text`.execute(target.db);
    expect(await refusal(source.db, target.db)).toContain(
      "The table left_over has other columns in the target (id, name)",
    );
  });

  it("when the target cannot store every character", async () => {
    await using source = await open(sqlite.newDatabase);
    await using other = await open(postgres.newDatabase, []);
    await sql`create database latin encoding 'LATIN1' locale 'C' template template0`.execute(other.db);
    const target = await openDatabase(other.url.replace(/[^/]*$/, "latin") as DatabaseUrl);
    expect(await refusal(source.db, target)).toContain("The target has the encoding LATIN1");
    await target.destroy();
    await sql`drop database latin`.execute(other.db);
  });
});
