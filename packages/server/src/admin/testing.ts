// Owns running admin commands in tests: in this process, on a database for each test.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import type { NewDatabase } from "../../test/engines.ts";
import { createDomain, type Domain } from "../compose-domain.ts";
import { type DatabaseUrl, type Db, openDatabase } from "../db/database.ts";
import { migrateToLatest } from "../db/migrate.ts";
import { fixtureApp } from "../fixture-app.ts";
import { testConfig, testWorld } from "../testing.ts";
import type { WorldOptions } from "../world.ts";
import type { AdminProcess } from "./command.ts";
import { runAdmin } from "./program.ts";

export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export type Stdin = string | Uint8Array | Iterable<Uint8Array> | AdminProcess["stdin"];

const collected = (onText: (text: string) => void = () => {}) => {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _, done) {
      chunks.push(chunk);
      onText(chunk.toString());
      done();
    },
  });
  return { stream, text: () => Buffer.concat(chunks).toString() };
};

const readable = (stdin: Stdin): AdminProcess["stdin"] => {
  if (stdin instanceof Readable) return stdin;
  if (typeof stdin === "string") return Readable.from([Buffer.from(stdin)]);
  return Readable.from(stdin instanceof Uint8Array ? [stdin] : stdin);
};

/** A database and a folder for commands. The database is empty until `migrate`. */
export const openAdmin = async (newDatabase: () => Promise<NewDatabase>, world = testWorld(Date.now)) => {
  const database = await newDatabase();
  const directory = await mkdtemp(join(tmpdir(), "lockstep-admin-"));
  const env: Record<string, string> = {
    DATABASE_URL: database.url,
    SECRET: testConfig(database.url).secret,
    BCRYPT_COST: "10",
  };
  const opened: Db[] = [];

  return {
    url: database.url as DatabaseUrl,
    directory,
    env,

    /** Runs `lockstep …` as its process would. */
    async lockstep(
      argv: readonly string[],
      stdin: Stdin = "",
      settings: Record<string, string> = {},
      onStderr?: (text: string) => void,
      { terminal = false } = {},
    ): Promise<Ran> {
      const [stdout, stderr] = [collected(), collected(onStderr)];
      Object.assign(stderr.stream, { isTTY: terminal });
      const exitCode = await runAdmin(argv, {
        app: fixtureApp,
        env: { ...env, ...settings },
        root: directory,
        directory,
        stdin: readable(stdin),
        stdout: stdout.stream,
        stderr: stderr.stream,
        world,
      });
      return { exitCode, stdout: stdout.text(), stderr: stderr.text() };
    },

    /** Opens the same database as a server does. */
    async open(): Promise<{ db: Db; domain: Domain }> {
      const db = await openDatabase(database.url);
      opened.push(db);
      await migrateToLatest(db);
      return { db, domain: await createDomain(db, { app: fixtureApp, config: testConfig(database.url), world }) };
    },

    async [Symbol.asyncDispose]() {
      await Promise.all(opened.map((db) => db.destroy()));
      await database.drop();
      await rm(directory, { recursive: true });
    },
  };
};

/** A migrated database and a folder for commands. */
export const openMigratedAdmin = (newDatabase: (content: "migrated") => Promise<NewDatabase>, world?: WorldOptions) =>
  openAdmin(() => newDatabase("migrated"), world);
