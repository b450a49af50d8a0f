// The two engines that every test about data runs on: `describe.each(engines)("…", ({ newDatabase }) => …)`.

import { randomBytes } from "node:crypto";
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { inject } from "vitest";
import { type DatabaseUrl, type Db, openDatabase } from "../src/db/database.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The URL of the server that `databases.ts` starts. */
    postgresUrl: string;
    /** The name of a database there to copy, with this version's schema and no rows. */
    migratedPostgres: string;
    /** A SQLite file of the same kind. */
    migratedSqlite: string;
  }
}

/** `empty`: without any table. `migrated`: with this version's schema, copied instead of migrated. */
type Content = "empty" | "migrated";

/** A database for one test. Call `drop` when every connection to it is closed. */
export interface NewDatabase {
  readonly url: DatabaseUrl;
  drop(): Promise<void>;
}

const newSqlite = async (content: Content = "empty"): Promise<NewDatabase> => {
  const directory = await mkdtemp(join(tmpdir(), "lockstep-"));
  const file = join(directory, "test.db");
  if (content === "migrated") await copyFile(inject("migratedSqlite"), file);
  return { url: `file:${file}`, drop: () => rm(directory, { recursive: true }) };
};

/** One connection for each worker, made when it is first needed. */
const administrator = new pg.Pool({ connectionString: inject("postgresUrl"), max: 1, allowExitOnIdle: true });
administrator.on("error", () => {
  // A test cut all connections: the next statement gets another one.
});

const newPostgres = async (content: Content = "empty"): Promise<NewDatabase> => {
  const name = `test_${randomBytes(8).toString("hex")}`;
  const template = content === "migrated" ? inject("migratedPostgres") : "template1";
  // Copies files instead of logging each page, which is faster when nothing waits for the disk.
  await administrator.query(`create database ${name} template ${template} strategy file_copy`);
  return {
    url: inject("postgresUrl").replace(/postgres$/, name) as DatabaseUrl,
    async drop() {
      await administrator.query(`drop database ${name} with (force)`);
    },
  };
};

/** Both databases, for `describe.each`: each makes databases of its own for a test. */
export const engines = [
  { engine: "SQLite", newDatabase: newSqlite },
  { engine: "PostgreSQL", newDatabase: newPostgres },
] as const;

/** Opens a migrated database. `await using` closes and drops it. */
export const openTestDatabase = async (newDatabase: (content: "migrated") => Promise<NewDatabase>) => {
  const database = await newDatabase("migrated");
  const db: Db = await openDatabase(database.url);
  return {
    db,
    url: database.url,
    async [Symbol.asyncDispose]() {
      await db.destroy();
      await database.drop();
    },
  };
};
