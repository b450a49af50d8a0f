// Owns migrating a database to this version's schema, under a lock: of servers that start at once, one migrates.

import { sql } from "kysely";
import { type Migration, Migrator } from "kysely/migration";
import { StartError } from "../start-error.ts";
import { type Migrations, migrateApp } from "./app-migrations.ts";
import { type Db, isPostgres } from "./database.ts";
import { initial } from "./migrations/0001-initial.ts";
import { oauth } from "./migrations/0002-oauth.ts";
import { identities } from "./migrations/0003-identities.ts";
import { rsaKeys } from "./migrations/0006-rsa-keys.ts";
import { clients } from "./migrations/0009-clients.ts";
import { clientExceptions } from "./migrations/0010-client-exceptions.ts";
import { unusedClients } from "./migrations/0011-unused-clients.ts";
import { messages } from "./migrations/0012-messages.ts";
import { proofs } from "./migrations/0013-proofs.ts";
import { addressProofs } from "./migrations/0014-address-proofs.ts";
import { plainUsernames } from "./migrations/0015-plain-usernames.ts";
import { news } from "./migrations/0016-news.ts";
import { factors } from "./migrations/0017-factors.ts";
import { deletions } from "./migrations/0018-deletions.ts";
import { factorResets } from "./migrations/0019-factor-resets.ts";
import { withoutDatabaseLimit } from "./time-limit.ts";
import { DatabaseUnavailableError } from "./unavailable.ts";
import { assertWhole } from "./unfinished-copy.ts";

/** In order; a released migration never changes. */
export const migrations: Readonly<Record<string, Migration>> = {
  "0001-initial": initial,
  "0002-oauth": oauth,
  "0003-identities": identities,
  "0006-rsa-keys": rsaKeys,
  "0009-clients": clients,
  "0010-client-exceptions": clientExceptions,
  "0011-unused-clients": unusedClients,
  "0012-messages": messages,
  "0013-proofs": proofs,
  "0014-address-proofs": addressProofs,
  "0015-plain-usernames": plainUsernames,
  "0016-news": news,
  "0017-factors": factors,
  "0018-deletions": deletions,
  "0019-factor-resets": factorResets,
};

export const migrationNames: readonly string[] = Object.keys(migrations);

/**
 * The schema version of this release, however many migrations it adds. Raise it by one with the first migration after a
 * release.
 */
export const schemaVersion = 1;

/** An arbitrary number that names this lock among a PostgreSQL database's advisory locks. */
const migrationLock = 7_310_865_119;

/**
 * Applies the missing migrations of the engine and of the app, all or nothing, and returns their names. Accepts a
 * database that is one version newer, and leaves it unchanged.
 * @throws StartError when the database is newer than that
 */
export const migrateToLatest = (db: Db, appMigrations: readonly Migrations[] = []): Promise<string[]> =>
  // Another server may be migrating, and a large table takes time.
  withoutDatabaseLimit(() => db.transaction().execute((transaction) => migrate(transaction, appMigrations)));

const migrate = async (db: Db, appMigrations: readonly Migrations[]): Promise<string[]> => {
  // On SQLite, the transaction has begun with the write lock.
  if (isPostgres(db)) await sql`select pg_advisory_xact_lock(${sql.lit(migrationLock)})`.execute(db);
  await assertWhole(db);
  const { newer } = await assertNotTooNew(db);
  if (newer) return migrateApp(db, appMigrations);
  const applied = await migrateEngine(db);
  await recordVersion(db);
  return [...applied, ...(await migrateApp(db, appMigrations))];
};

/** @throws StartError when one failed, or the record of those that ran has a gap */
const migrateEngine = async (db: Db): Promise<string[]> => {
  const recorded = new Set(await appliedNames(db));
  const last = migrationNames.findLast((name) => recorded.has(name));
  const lost = last === undefined ? undefined : migrationNames.find((name) => name < last && !recorded.has(name));
  if (lost !== undefined)
    throw new StartError(
      `The database is half migrated: by its table kysely_migration ${last} ran, and ${lost} before it did not. Restore a backup.`,
    );
  // PostgreSQL reports only the first failure of a transaction; what Kysely does after it fails with another message.
  let failure: { name: string; error: unknown } | null = null;
  const told = Object.entries(migrations).map(([name, { up }]): [string, Migration] => [
    name,
    {
      up: (transaction) =>
        up(transaction).catch((error: unknown) => {
          failure ??= { name, error };
          throw error;
        }),
    },
  ]);
  const migrator = new Migrator({ db, provider: { getMigrations: async () => Object.fromEntries(told) } });
  const { error, results = [] } = await migrator.migrateToLatest();
  if (failure !== null) throw startErrorOf(failure);
  if (error) throw error;
  return results.map(({ migrationName }) => migrationName);
};

const startErrorOf = ({ name, error }: { name: string; error: unknown }): unknown =>
  error instanceof DatabaseUnavailableError || !(error instanceof Error)
    ? error
    : new StartError(
        `Lockstep's migration ${name} failed, and nothing was changed: ${error.message}. If only a part of the database was restored, restore all of it.`,
      );

/**
 * A rolling update: the next version migrates while servers of this version run and restart. Its additions do not
 * affect them.
 * @throws StartError when the database is more than one version newer
 */
export const assertNotTooNew = async (db: Db): Promise<{ newer: boolean }> => {
  const version = await recordedVersion(db);
  const newer = version === schemaVersion + 1;
  const unknown = (await appliedNames(db)).filter((name) => !(name in migrations));
  // Unknown migrations without a newer version come from an unreleased build.
  if (version > schemaVersion + 1 || (unknown.length > 0 && !newer)) {
    throw new StartError(
      `The database was made by a newer version of Lockstep (schema ${version}, this one has ${schemaVersion}${unknown.length > 0 ? `; ${unknown.join(", ")}` : ""}). Run that version, or restore an older backup.`,
    );
  }
  return { newer };
};

/** Kysely's own tables do not record the version of a migration. */
const versionTable = "schema_version";

const recordedVersion = async (db: Db): Promise<number> => {
  if (!(await hasTable(db, versionTable))) return 0;
  const { rows } = await sql<{ version: number }>`select version from ${sql.table(versionTable)}`.execute(db);
  return rows[0]?.version ?? 0;
};

const recordVersion = async (db: Db): Promise<void> => {
  if ((await recordedVersion(db)) === schemaVersion) return;
  const table = sql.table(versionTable);
  await sql`create table if not exists ${table} (version integer not null)`.execute(db);
  await sql`delete from ${table}`.execute(db);
  await sql`insert into ${table} (version) values (${schemaVersion})`.execute(db);
};

/** Whether every migration of this version was applied. Newer versions only add to them. */
export const isMigrated = async (db: Db): Promise<boolean> => {
  const applied = new Set(await appliedNames(db));
  return migrationNames.every((name) => applied.has(name));
};

const appliedNames = async (db: Db): Promise<string[]> => {
  if (!(await hasTable(db, "kysely_migration"))) return [];
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db);
  return rows.map((row) => row.name);
};

const hasTable = async (db: Db, name: string): Promise<boolean> => {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  return tables.some((table) => table.name === name);
};
