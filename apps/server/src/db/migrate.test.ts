import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { engines } from "../../test/engines.ts";
import { openDatabase } from "./database.ts";
import { isMigrated, migrateToLatest, migrations } from "./migrate.ts";

describe.each(engines)("migrations on $engine", ({ newDatabase }) => {
  it("are applied once when several servers start at once", async () => {
    const database = await newDatabase();
    const script = join(import.meta.dirname, "../../test/migrate-process.ts");
    const outputs = await Promise.all(
      [1, 2, 3, 4].map(() => promisify(execFile)(process.execPath, [script, database.url])),
    );
    const applied = outputs.flatMap(({ stdout }) => JSON.parse(stdout) as string[]);
    expect(applied).toEqual(Object.keys(migrations));
    const db = await openDatabase(database.url);
    expect(await isMigrated(db)).toBe(true);
    await db.destroy();
    await database.drop();
  });

  it("refuse a database that a newer version has migrated", async () => {
    const database = await newDatabase();
    const db = await openDatabase(database.url);
    expect(await isMigrated(db)).toBe(false);
    await migrateToLatest(db);
    await sql`insert into kysely_migration (name, timestamp) values ('9999-future', '2030-01-01T00:00:00.000Z')`.execute(
      db,
    );
    await expect(migrateToLatest(db)).rejects.toThrow("made by a newer version of Lockstep (9999-future)");
    expect(await isMigrated(db)).toBe(false);
    await db.destroy();
    await database.drop();
  });
});
