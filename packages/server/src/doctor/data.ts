// Owns the checks of the database, and of what its rows depend on: the schema, the clock, keys, passwords and the
// addresses of clients. They change nothing.

import { existsSync } from "node:fs";
import { sql } from "kysely";
import type { App } from "../app.ts";
import { registrationFormat } from "../authorization-server/registrations.ts";
import type { Config } from "../config.ts";
import { missingAppMigrations } from "../db/app-migrations.ts";
import { type Db, isPostgres, openDatabase } from "../db/database.ts";
import { assertNotTooNew, isMigrated } from "../db/migrate.ts";
import { deafnessOf } from "../db/news.ts";
import { createReadiness } from "../db/readiness.ts";
import { assertWhole } from "../db/unfinished-copy.ts";
import { john } from "../development.ts";
import { createHashingQueue } from "../domain/accounts/hashing-queue.ts";
import { createPasswords, pepperNames } from "../domain/accounts/passwords.ts";
import { createClock, reportedClockDifferenceMs } from "../domain/kernel/clock.ts";
import { createSecrets } from "../domain/kernel/secrets.ts";
import { readStoredKeys, rotationAgeMs } from "../domain/tokens/keyring.ts";
import { docsClientId } from "../http/docs.ts";
import { isLoopback } from "../http/page-origins.ts";
import type { OutboundOptions } from "../outbound.ts";
import { StartError } from "../start-error.ts";
import type { WorldOptions } from "../world.ts";
import { type Outcome, outcomeOf, type Problem } from "./check.ts";

/** The sentence of a `StartError`, which names what to do too. */
const asProblem = (error: unknown, advice: string): Problem => {
  if (!(error instanceof StartError)) throw error;
  return { problem: error.message, advice };
};

/** Opens the database, which must exist: opening would create a file. */
export const openForChecks = async ({ databaseUrl }: Config): Promise<{ readonly db: Db } | Outcome> => {
  if (databaseUrl.startsWith("file:") && !existsSync(databaseUrl.slice("file:".length)))
    return {
      problems: [
        {
          problem: `There is no database ${databaseUrl.slice("file:".length)}.`,
          advice: "Correct DATABASE_URL, or create the database with `npm run lockstep -- migrate`.",
        },
      ],
    };
  try {
    return { db: await openDatabase(databaseUrl) };
  } catch (error) {
    return { problems: [asProblem(error, "Lockstep needs its database for every call.")] };
  }
};

/** Whether the database has this version's tables, all of them, and all rows. */
export const checkSchema = async (db: Db, { migrations = [] }: App): Promise<Outcome> => {
  try {
    await assertWhole(db);
    const { newer } = await assertNotTooNew(db);
    const missing = await missingAppMigrations(db, migrations);
    if (!(await isMigrated(db)) || missing.length > 0)
      return outcomeOf(
        [
          {
            problem: `The database is not migrated to this version${missing.length > 0 ? ` (the app's ${missing.join(", ")})` : ""}.`,
            advice: "Run `npm run lockstep -- migrate`. The server does so too when it starts.",
          },
        ],
        "",
      );
    return { found: newer ? "of the next version, which this one can use" : "of this version" };
  } catch (error) {
    return outcomeOf([asProblem(error, "No server starts on this database.")], "");
  }
};

/** Whether the database takes reads and writes, from as many connections as are configured. */
export const checkDatabase = async (
  db: Db,
  { databasePool, databaseListenUrl }: Config,
  workers: number,
): Promise<Outcome> => {
  const fault = await createReadiness({ db, limitMs: 5000, keptMs: 0 })();
  // The schema has a check of its own.
  const problems: Problem[] =
    fault === null || fault.reason === "the database is not migrated"
      ? []
      : [
          {
            problem: `The server cannot use its database: ${fault.reason}.`,
            advice: "`/readyz` answers 503 until then.",
          },
        ];
  if (!isPostgres(db)) return outcomeOf(problems, "SQLite takes reads and writes");
  const { rows } = await sql<{ most: number }>`
    select current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int as most`.execute(
    db,
  );
  const most = rows[0]?.most ?? 0;
  // One more of each process listens for news.
  const wanted = (databasePool + 1) * workers;
  // A pooler has fewer connections to PostgreSQL than servers have to it.
  if (wanted > most && databaseListenUrl === null)
    problems.push({
      problem: `One server may open ${wanted} connections, and PostgreSQL accepts ${most} from all of them.`,
      advice: "Lower DATABASE_POOL or WORKERS, or raise PostgreSQL's `max_connections`.",
    });
  return outcomeOf(
    problems,
    `PostgreSQL takes reads and writes; a server opens ${wanted} of ${most} connections at most`,
  );
};

/** Whether this machine's clock is that of the database. */
export const checkClock = async (db: Db, { now, databaseTime }: WorldOptions): Promise<Outcome> => {
  if (!isPostgres(db)) return { found: "SQLite has the clock of this machine" };
  const clock = await createClock({ machineNow: now, readSharedTime: () => databaseTime(db) });
  const differenceMs = clock.offsetMs();
  const difference = `${(Math.abs(differenceMs) / 1000).toFixed(1)} s ${differenceMs < 0 ? "ahead of" : "behind"} the database's`;
  if (Math.abs(differenceMs) < reportedClockDifferenceMs) return { found: "as the database's" };
  return outcomeOf(
    [
      {
        problem: `This machine's clock is ${difference}.`,
        advice:
          "Synchronize both (NTP): tokens carry this machine's time, and other servers refuse those of the future.",
      },
    ],
    "",
  );
};

/** Whether a server hears what other servers change. */
export const checkNews = async (db: Db, { databaseUrl, databaseListenUrl }: Config): Promise<Outcome> => {
  if (!isPostgres(db)) return { found: "SQLite has no other servers" };
  const reason = await deafnessOf(db, databaseListenUrl ?? databaseUrl);
  if (reason === null) return { found: "notifications arrive" };
  const name = databaseListenUrl === null ? "DATABASE_URL" : "DATABASE_LISTEN_URL";
  return outcomeOf(
    [
      {
        problem: `PostgreSQL's notifications do not arrive at ${name}: ${reason}.`,
        advice:
          "Set DATABASE_LISTEN_URL to PostgreSQL's own address. Until then, a server learns of others' changes a second late.",
      },
    ],
    "",
  );
};

/** Servers look every few seconds: in a day, one of them has done so. */
const rotationDelayMs = 24 * 60 * 60 * 1000;

/** Whether the signing keys can be read with `SECRET`, and are as young as servers keep them. */
export const checkKeys = async (
  db: Db,
  { secret, previousSecrets, now }: { secret: string; previousSecrets: readonly string[]; now: () => number },
): Promise<Outcome> => {
  const keys = await readStoredKeys(db, createSecrets(secret, previousSecrets));
  const unreadable = keys.filter(({ readable }) => !readable);
  if (unreadable.length > 0)
    return outcomeOf(
      [
        {
          problem: `${unreadable.length} of ${keys.length} signing keys were encrypted under another SECRET: the server does not start.`,
          advice: "Set SECRET to the one that the database was used with, or add that one to SECRET_PREVIOUS.",
        },
      ],
      "",
    );
  const newest = new Map(keys.map((key) => [key.algorithm, key]));
  const days = (ms: number) => Math.floor(ms / (24 * 60 * 60 * 1000));
  const old = [...newest.values()].filter(({ createdAt }) => now() - createdAt > rotationAgeMs + rotationDelayMs);
  return outcomeOf(
    old.map(({ algorithm, createdAt }) => ({
      problem: `The newest ${algorithm} key is ${days(now() - createdAt)} days old. Running servers add one after ${days(rotationAgeMs)}.`,
      advice: "Start a server, look for `upkeep failed` in its log, or run `npm run lockstep -- keys rotate`.",
    })),
    keys.length === 0 ? "the server adds them when it starts" : `all ${keys.length} can be read with SECRET`,
  );
};

/** Whether stored passwords can be verified, and nobody has the tutorial's. */
export const checkPasswords = async (
  db: Db,
  { production, pepper, previousPeppers, bcryptCost: cost }: Config,
): Promise<Outcome> => {
  const name = sql<string>`case when password_hash like 'hmac-sha384:none:%' then 'none' else substr(password_hash, 13, 16) end`;
  const stored = await db
    .selectFrom("users")
    .select([name.as("pepper"), (select) => select.fn.countAll<number>().as("users")])
    .where("password_hash", "like", "hmac-sha384:%")
    .groupBy(name)
    .execute();
  const known = pepperNames([...(pepper === null ? [] : [pepper]), ...previousPeppers]);
  const locked = stored
    .filter((each) => !known.includes(each.pepper))
    .reduce((sum, { users }) => sum + Number(users), 0);
  const problems: Problem[] = [];
  if (locked > 0)
    problems.push({
      problem: `${locked} ${locked === 1 ? "user has a password that was" : "users have passwords that were"} hashed with another PEPPER: ${locked === 1 ? "it is" : "they are"} refused.`,
      advice: "Set PEPPER to the one that was used, or add that one to PEPPER_PREVIOUS.",
    });
  const tutorial = production
    ? await db.selectFrom("users").select("password_hash").where("username", "=", john.username).executeTakeFirst()
    : undefined;
  const passwords = createPasswords({ cost, pepper, previousPeppers, queue: createHashingQueue(() => 1) });
  if (tutorial?.password_hash && (await passwords.verify(john.password, tutorial.password_hash)).matches)
    problems.push({
      problem: `The user ${john.username} has the password of the tutorial, which everybody knows.`,
      advice: `Run \`npm run lockstep -- user delete ${john.username}\`, or give it another password.`,
    });
  return outcomeOf(problems, "all can be verified");
};

/** How many names are looked up at once, and at most. */
const lookups = { atOnce: 16, most: 2000 };

/** Whether codes and sign-outs go to addresses that belong to somebody. */
export const checkClients = async (db: Db, { publicUrl }: Config, { lookup }: OutboundOptions): Promise<Outcome> => {
  const rows = await db
    .selectFrom("applications")
    .select(["id", "name", "metadata"])
    // Updated whenever the server starts.
    .where("id", "<>", docsClientId)
    .orderBy("name")
    .execute();
  const uses = rows.flatMap(({ id, name, metadata }) => {
    const { kind, redirectUris, postLogoutRedirectUris } = registrationFormat.decode(JSON.parse(metadata));
    return [...redirectUris, ...postLogoutRedirectUris].flatMap((uri) =>
      /^https?:/.test(uri)
        ? [{ client: `${name} (${id})`, kind, uri, origin: new URL(uri).origin, host: new URL(uri).hostname }]
        : [],
    );
  });
  const isPublic = publicUrl.startsWith("https:");
  const local = isPublic ? uses.filter(({ kind, origin }) => kind !== "native" && isLoopback(origin)) : [];
  const hosts = [...new Set(uses.filter(({ origin }) => !isLoopback(origin)).map(({ host }) => host))];
  const looked = hosts.slice(0, lookups.most);
  const lost = await lostNames(looked, lookup);
  return outcomeOf(
    [
      ...local.map(({ client, uri }) => ({
        problem: `The client ${client} may send people to ${uri}: whatever runs on their machine receives their codes.`,
        advice: "Register a client of its own for development, at the server of development.",
      })),
      ...uses
        .filter(({ host }) => lost.has(host))
        .map(({ client, uri, host }) => ({
          problem: `The client ${client} may send people to ${uri}, and ${host} does not exist: whoever registers it receives their codes.`,
          advice: "Remove the address from the client, or delete the client.",
        })),
    ],
    `${rows.length} registered; ${looked.length} of the ${hosts.length} hosts of their addresses looked up`,
  );
};

/** The names that do not exist. A name that could not be looked up counts as existing. */
const lostNames = async (names: readonly string[], lookup: OutboundOptions["lookup"]): Promise<ReadonlySet<string>> => {
  const lost = new Set<string>();
  const look = (name: string) =>
    new Promise<void>((resolve) => {
      lookup(name, {}, (error) => {
        if (error?.code === "ENOTFOUND") lost.add(name);
        resolve();
      });
    });
  for (let from = 0; from < names.length; from += lookups.atOnce)
    await Promise.all(names.slice(from, from + lookups.atOnce).map(look));
  return lost;
};
