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
 * Applies what is missing, all or nothing, and answers the names of what it applied.
 * @throws StartError when a newer version of Lockstep has migrated this database.
 */
export const migrateToLatest = (db: Db): Promise<string[]> =>
  // Other servers may migrate first, and a large table takes its time.
  withoutDatabaseLimit(() => db.transaction().execute(migrate));

const migrate = async (db: Db): Promise<string[]> => {
  // On SQLite, the transaction itself began with the write lock.
  if (isPostgres(db)) await sql`select pg_advisory_xact_lock(${sql.lit(migrationLock)})`.execute(db);
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } });
  const unknown = (await appliedNames(db)).filter((name) => !(name in migrations));
  if (unknown.length > 0) {
    throw new StartError(
      `The database was made by a newer version of Lockstep (${unknown.join(", ")}). Run that version, or restore an older backup.`,
    );
  }
  const { error, results = [] } = await migrator.migrateToLatest();
  if (error) throw error;
  return results.map((result) => result.migrationName);
};

/** Whether every migration of this version is there, and none of a newer one. */
export const isMigrated = async (db: Db): Promise<boolean> => {
  const applied = await appliedNames(db);
  return applied.join() === migrationNames.join();
};

const appliedNames = async (db: Db): Promise<string[]> => {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some((table) => table.name === "kysely_migration")) return [];
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db);
  return rows.map((row) => row.name);
};
