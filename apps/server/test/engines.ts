// The two engines that every test about data runs on: `describe.each(engines)("…", ({ newDatabase }) => …)`.

import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { inject } from "vitest";
import { type DatabaseUrl, type Db, openDatabase } from "../src/db/database.ts";
import { migrateToLatest } from "../src/db/migrate.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Of the server that `postgres.ts` starts. */
    postgresUrl: string;
  }
}

/** An empty database; `drop` when every connection to it is closed. */
export interface NewDatabase {
  readonly url: DatabaseUrl;
  drop(): Promise<void>;
}

const newSqlite = async (): Promise<NewDatabase> => {
  const directory = await mkdtemp(join(tmpdir(), "lockstep-"));
  return { url: `file:${join(directory, "test.db")}`, drop: () => rm(directory, { recursive: true }) };
};

const newPostgres = async (): Promise<NewDatabase> => {
  const server = inject("postgresUrl");
  const name = `test_${randomBytes(8).toString("hex")}`;
  const administer = async (statement: string) => {
    const admin = new pg.Client(server);
    await admin.connect();
    await admin.query(statement);
    await admin.end();
  };
  await administer(`create database ${name}`);
  return {
    url: server.replace(/postgres$/, name) as DatabaseUrl,
    drop: () => administer(`drop database ${name} with (force)`),
  };
};

export const engines = [
  { engine: "SQLite", newDatabase: newSqlite },
  { engine: "PostgreSQL", newDatabase: newPostgres },
] as const;

/** A migrated database, open; `await using` closes and drops it. */
export const openTestDatabase = async (newDatabase: () => Promise<NewDatabase>) => {
  const database = await newDatabase();
  const db: Db = await openDatabase(database.url);
  await migrateToLatest(db);
  return {
    db,
    url: database.url,
    async [Symbol.asyncDispose]() {
      await db.destroy();
      await database.drop();
    },
  };
};
