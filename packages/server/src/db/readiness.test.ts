import { randomBytes } from "node:crypto";
import { closeSync, openSync, statSync, writeSync } from "node:fs";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { engines, openTestDatabase } from "../../test/engines.ts";
import { type DatabaseUrl, type Db, openDatabase } from "./database.ts";
import { migrateToLatest, migrationNames } from "./migrate.ts";
import { createReadiness } from "./readiness.ts";

const [sqlite, postgres] = engines;

/** The same database with its statements counted. */
const counting = (db: Db) => {
  let statements = 0;
  const counted = db.withPlugin({
    transformQuery({ node }) {
      statements++;
      return node;
    },
    transformResult: async ({ result }) => result,
  });
  return { counted, statements: () => statements };
};

const reasonOf = async (look: ReturnType<typeof createReadiness>) => (await look())?.reason;

describe.each(engines)("readiness on $engine", ({ newDatabase }) => {
  it("is checked once for concurrent callers, and for a while after [S92]", async () => {
    await using database = await openTestDatabase(newDatabase);
    const { counted, statements } = counting(database.db);
    const isReady = createReadiness({ db: counted, keptMs: 60_000 });
    expect(await isReady()).toBeNull();
    const one = statements();
    expect(one).toBeGreaterThan(0);
    await Promise.all(Array.from({ length: 50 }, isReady));
    expect(statements()).toBe(one);
    const isReadyNow = createReadiness({ db: counted, keptMs: 0 });
    await Promise.all(Array.from({ length: 50 }, isReadyNow));
    expect(statements()).toBe(2 * one);
    await isReadyNow();
    expect(statements()).toBe(3 * one);
  });

  it("is checked again when the last result is old", async () => {
    await using database = await openTestDatabase(newDatabase);
    const look = createReadiness({ db: database.db, keptMs: 1 });
    expect(await look()).toBeNull();
    await database.db.schema.dropTable("kysely_migration").execute();
    await expect.poll(() => reasonOf(look)).toBe("the database is not migrated");
  });

  it("fails while one migration is missing", async () => {
    await using database = await openTestDatabase(newDatabase);
    const { db } = database;
    const look = createReadiness({ db, keptMs: 0 });
    expect(await look()).toBeNull();
    await sql`delete from kysely_migration where name = ${migrationNames.at(-1)}`.execute(db);
    expect(await reasonOf(look)).toBe("the database is not migrated");
  });

  it("leaves no row behind", async () => {
    await using database = await openTestDatabase(newDatabase);
    const { db } = database;
    const tables = (await db.introspection.getTables({ withInternalKyselyTables: true })).map(({ name }) => name);
    const counts = () =>
      Promise.all(tables.map(async (name) => (await sql`select * from ${sql.table(name)}`.execute(db)).rows.length));
    const before = await counts();
    expect(await createReadiness({ db, keptMs: 0 })()).toBeNull();
    expect(await counts()).toEqual(before);
  });
});

describe("readiness on PostgreSQL", () => {
  it("reports missing permissions, a changed password, and a missing database", async () => {
    const name = `role_${randomBytes(8).toString("hex")}`;
    const database = await postgres.newDatabase();
    const admin = await openDatabase(database.url);
    const administer = (statement: string) => sql.raw(statement).execute(admin);
    await administer(`create role ${name} login password 'first'`);
    await migrateToLatest(admin);
    await administer(`grant all on all tables in schema public to ${name}`);
    const url = database.url.replace(/\/\/[^@]*@/, `//${name}:first@`) as DatabaseUrl;
    const db = await openDatabase(url, { poolSize: 1 });
    const look = createReadiness({ db, keptMs: 0 });
    expect(await look()).toBeNull();

    await administer(`revoke all on sessions from ${name}`);
    expect(await reasonOf(look)).toBe("the server's database role lacks a permission");
    const cut = `select pg_terminate_backend(pid, 10000) from pg_stat_activity where usename = '${name}'`;
    await administer(`alter role ${name} password 'second'`);
    await administer(cut);
    await expect.poll(() => reasonOf(look)).toBe("the database refuses the server's credentials");
    await administer(`alter role ${name} password 'first'`);
    await administer(`drop owned by ${name}`);
    await admin.destroy();
    await database.drop();
    expect(await reasonOf(look)).toBe("the database does not exist");
    await db.destroy();

    const other = await openTestDatabase(postgres.newDatabase);
    await sql.raw(`drop role ${name}`).execute(other.db);
    await other[Symbol.asyncDispose]();
  });
});

describe("readiness on SQLite", () => {
  it.each([
    ["tables", 4096],
    ["header", 0],
  ])("reports a damaged file, in its %s", async (_where, from) => {
    await using database = await openTestDatabase(sqlite.newDatabase);
    const { db } = database;
    const look = createReadiness({ db, keptMs: 0 });
    expect(await look()).toBeNull();
    await sql`pragma wal_checkpoint(truncate)`.execute(db);
    const path = database.url.slice("file:".length);
    const file = openSync(path, "r+");
    const damage = Buffer.alloc(statSync(path).size - from, 0xff);
    writeSync(file, damage, 0, damage.length, from);
    closeSync(file);
    // SQLite's cache is still valid.
    await sql`pragma shrink_memory`.execute(db);
    expect(await reasonOf(look)).toBe("the database file is damaged");
  });
});
