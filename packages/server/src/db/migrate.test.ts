import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { engines } from "../../test/engines.ts";
import { StartError } from "../start-error.ts";
import { type Db, openDatabase } from "./database.ts";
import { isMigrated, migrateToLatest, migrationNames, schemaVersion } from "./migrate.ts";

const recordMigration = (db: Db, name: string) =>
  sql`insert into kysely_migration (name, timestamp) values (${name}, '2030-01-01T00:00:00.000Z')`.execute(db);

const recordVersion = (db: Db, version: number) => sql`update schema_version set version = ${version}`.execute(db);

const last = migrationNames.at(-1) ?? "";

describe.each(engines)("migrations on $engine", ({ newDatabase }) => {
  it("are applied once when several servers start concurrently", async () => {
    const database = await newDatabase();
    const script = join(import.meta.dirname, "../../test/migrate-process.ts");
    const outputs = await Promise.all(
      [1, 2, 3, 4].map(() => promisify(execFile)(process.execPath, [script, database.url])),
    );
    const applied = outputs.flatMap(({ stdout }) => JSON.parse(stdout) as string[]);
    expect(applied).toEqual(migrationNames);
    const db = await openDatabase(database.url);
    expect(await isMigrated(db)).toBe(true);
    await db.destroy();
    await database.drop();
  });

  it("accept a database that is one version newer, and refuse one that is two", async () => {
    const database = await newDatabase();
    const db = await openDatabase(database.url);
    expect(await isMigrated(db)).toBe(false);
    await migrateToLatest(db);
    // However many migrations the next version adds.
    for (const name of ["9997-next", "9998-next", "9999-next"]) await recordMigration(db, name);
    await recordVersion(db, schemaVersion + 1);
    expect(await migrateToLatest(db)).toEqual([]);
    expect(await isMigrated(db)).toBe(true);
    await recordVersion(db, schemaVersion + 2);
    await expect(migrateToLatest(db)).rejects.toThrow(
      `made by a newer version of Lockstep (schema ${schemaVersion + 2}, this one has ${schemaVersion}; 9997-next, 9998-next, 9999-next). Run that version`,
    );
    expect(await isMigrated(db)).toBe(true);
    await db.destroy();
    await database.drop();
  });

  it.each([
    [
      "has a gap",
      "delete from kysely_migration where name = '0006-rsa-keys'",
      `The database is half migrated: by its table kysely_migration ${last} ran, and 0006-rsa-keys before it did not. Restore a backup.`,
    ],
    [
      "lacks the last one",
      `delete from kysely_migration where name = '${last}'`,
      new RegExp(
        `^Lockstep's migration ${last} failed, and nothing was changed: .*(exists|duplicate).*restore all of it\\.$`,
      ),
    ],
    [
      "is empty",
      "delete from kysely_migration",
      /^Lockstep's migration 0001-initial failed, and nothing was changed: .*users.*restore all of it\.$/,
    ],
  ])("refuse a half-migrated database in one sentence, whose record %s", async (_, statement, refusal) => {
    const database = await newDatabase("migrated");
    const db = await openDatabase(database.url);
    await sql.raw(statement).execute(db);
    const failure = await migrateToLatest(db).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(StartError);
    expect((failure as StartError).message).toMatch(refusal);
    await db.destroy();
    await database.drop();
  });

  it("refuse an unknown migration in a database of the same version", async () => {
    const database = await newDatabase();
    const db = await openDatabase(database.url);
    await migrateToLatest(db);
    await recordMigration(db, "9999-never-released");
    await expect(migrateToLatest(db)).rejects.toThrow("9999-never-released). Run that version");
    await db.destroy();
    await database.drop();
  });
});
