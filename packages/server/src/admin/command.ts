// Owns what the admin commands share: their view of the process, how they end, and the database and domain that they
// use.

import { existsSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import type { Command } from "commander";
import type { App } from "../app.ts";
import { createDomain, type Domain } from "../compose-domain.ts";
import { loadConfig } from "../config.ts";
import { type Db, openDatabase } from "../db/database.ts";
import { assertNotTooNew, isMigrated } from "../db/migrate.ts";
import { assertWhole } from "../db/unfinished-copy.ts";
import { loadConfigWithSecret } from "../development.ts";
import { StartError } from "../start-error.ts";
import { realWorld, type WorldOptions } from "../world.ts";

export interface AdminProcess {
  readonly app: App;
  readonly env: Record<string, string | undefined>;
  /** The project's folder. Settings are relative to it. */
  readonly root: string;
  /** The operator's folder. Arguments are relative to it. */
  readonly directory: string;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly world?: WorldOptions;
  /** Commands of other packages. */
  readonly commands?: readonly AddCommand[];
}

/**
 * Adds a command to the command line. To refuse, it calls Commander's `error` with one sentence, an exit code, and its
 * own error code.
 */
export type AddCommand = (program: Command, process: Pick<AdminProcess, "root" | "directory" | "stdout">) => void;

/** A closed list: scripts rely on it, and `lockstep --help` explains it. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  incomplete: 4,
  interrupted: 130,
} as const;

/** A command failed: a sentence for its operator, and an exit code for scripts. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly exitCode: number;

  constructor(end: Exclude<keyof typeof exitCodes, "done">, message: string) {
    super(message);
    this.exitCode = exitCodes[end];
  }
}

/** Opens the configured database, which need not be migrated. */
export const openConfiguredDatabase = async ({ env, root }: AdminProcess) => {
  const config = loadConfig(env, root);
  const db = await openDatabase(config.databaseUrl);
  return { db, [Symbol.asyncDispose]: () => db.destroy() };
};

/**
 * Runs `use` with the domain of the settings.
 * @throws StartError as `withDatabase` does
 */
export const withDomain = <T>(admin: AdminProcess, use: (domain: Domain) => Promise<T>): Promise<T> =>
  withDatabase(admin, async (db) => {
    const world = admin.world ?? realWorld;
    const config = loadConfigWithSecret(admin.env, admin.root, world.random);
    const domain = await createDomain(db, { app: admin.app, config, world });
    try {
      return await use(domain);
    } finally {
      await domain.news.told();
    }
  });

/**
 * Runs `use` with the database of the settings.
 * @throws StartError when the database is not migrated: creating a new one would hide that `DATABASE_URL` names the
 * wrong database
 */
export const withDatabase = async <T>(admin: AdminProcess, use: (db: Db) => Promise<T>): Promise<T> => {
  const { databaseUrl } = loadConfig(admin.env, admin.root);
  // Opening would create the file.
  if (databaseUrl.startsWith("file:") && !existsSync(databaseUrl.slice("file:".length))) throw notMigrated();
  await using opened = await openConfiguredDatabase(admin);
  const { db } = opened;
  await assertWhole(db);
  await assertNotTooNew(db);
  if (!(await isMigrated(db))) throw notMigrated();
  return await use(db);
};

const notMigrated = () =>
  new StartError(
    "The database that DATABASE_URL names is not migrated to this version: run `npm run lockstep -- migrate` first.",
  );
