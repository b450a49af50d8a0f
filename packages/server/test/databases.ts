// Starts a real PostgreSQL for one run of the tests, and creates a migrated database of each engine. Tests copy it,
// which takes a fraction of the time of the migrations.

import { execFile, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import type { TestProject } from "vitest/node";

/** A program beside this file: a source here, JavaScript in the published package. */
const program = (name: string) => join(import.meta.dirname, name + extname(import.meta.filename));

/** The data need not survive a crash of the machine, so PostgreSQL does not wait for the disk. */
const settings = ["fsync=off", "full_page_writes=off"];

const templateName = "migrated";

/** Vitest's global set-up: starts PostgreSQL, and stops it after the tests. */
export default async (project: TestProject) => {
  const child = fork(program("postgres-process"), settings);
  const exited = once(child, "exit");
  const url = await Promise.race([
    once(child, "message").then(([message]) => message as string),
    exited.then(() => null),
  ]);
  if (url === null) throw new Error("PostgreSQL did not start");
  const directory = await mkdtemp(join(tmpdir(), "lockstep-template-"));
  const sqliteFile = join(directory, "migrated.db");

  const admin = new pg.Client(url);
  await admin.connect();
  await admin.query(`create database ${templateName}`);
  await admin.end();
  const migrate = (database: string) => promisify(execFile)(process.execPath, [program("migrate-process"), database]);
  await Promise.all([migrate(`file:${sqliteFile}`), migrate(url.replace(/postgres$/, templateName))]);

  project.provide("postgresUrl", url);
  project.provide("migratedPostgres", templateName);
  project.provide("migratedSqlite", sqliteFile);
  return async () => {
    child.disconnect();
    await exited;
    await rm(directory, { recursive: true });
  };
};
