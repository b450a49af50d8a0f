// Owns bringing a database to this version's schema, under a lock: of servers that start at once, one migrates.

import { sql } from "kysely";
import { type Migration, Migrator } from "kysely/migration";
import { StartError } from "../start-error.ts";
import { type Db, isPostgres } from "./database.ts";
import { initial } from "./migrations/0001-initial.ts";
import { oauth } from "./migrations/0002-oauth.ts";
import { identities } from "./migrations/0003-identities.ts";
import { rsaKeys } from "./migrations/0006-rsa-keys.ts";
import { clients } from "./migrations/0009-clients.ts";
import { clientExceptions } from "./migrations/0010-client-exceptions.ts";
import { withoutDatabaseLimit } from "./time-limit.ts";

/** In order; a released migration never changes. */
export const migrations: Readonly<Record<string, Migration>> = {
  "0001-initial": initial,
  "0002-oauth": oauth,
  "0003-identities": identities,
  "0006-rsa-keys": rsaKeys,
  "0009-clients": clients,
  "0010-client-exceptions": clientExceptions,
};

export const migrationNames: readonly string[] = Object.keys(migrations);

/** An arbitrary number that names this lock among a PostgreSQL database's advisory locks. */
const migrationLock = 7_310_865_119;

/**
 * Applies what is missing, all or nothing, and answers the names of what it applied. Accepts a database that is one
 * version newer, which means: one migration that is not known here.
 * @throws StartError when the database is newer than that.
 */
export const migrateToLatest = (db: Db): Promise<string[]> =>
  // Other servers may migrate first, and a large table takes its time.
  withoutDatabaseLimit(() => db.transaction().execute(migrate));

const migrate = async (db: Db): Promise<string[]> => {
  // On SQLite, the transaction itself began with the write lock.
  if (isPostgres(db)) await sql`select pg_advisory_xact_lock(${sql.lit(migrationLock)})`.execute(db);
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } });
  const { newer } = await assertNotTooNew(db);
  if (newer.length > 0) return [];
  const { error, results = [] } = await migrator.migrateToLatest();
  if (error) throw error;
  return results.map((result) => result.migrationName);
};

/**
 * A rolling update: the next version migrates while servers of this one run, and start again. What it adds is not in
 * their way.
 * @throws StartError when the database is more than one version newer.
 */
export const assertNotTooNew = async (db: Db) => {
  const applied = await appliedNames(db);
  const newer = applied.filter((name) => !(name in migrations));
  const lacksOurs = applied.length - newer.length < migrationNames.length;
  if (newer.length > 1 || (newer.length === 1 && lacksOurs)) {
    throw new StartError(
      `The database was made by a newer version of Lockstep (${newer.join(", ")}). Run that version, or restore an older backup.`,
    );
  }
  return { newer };
};

/** Whether every migration of this version is there. Those of newer versions only add. */
export const isMigrated = async (db: Db): Promise<boolean> => {
  const applied = new Set(await appliedNames(db));
  return migrationNames.every((name) => applied.has(name));
};

const appliedNames = async (db: Db): Promise<string[]> => {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some((table) => table.name === "kysely_migration")) return [];
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db);
  return rows.map((row) => row.name);
};
