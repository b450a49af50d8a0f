// The composition root: builds each part once, in the order of what it needs. What a part needs from the
// world comes in here as `environment`; nothing below reaches for a clock, randomness or the network itself.

import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { FastifyServerOptions } from "fastify";
import type { Config } from "./config.ts";
import { type Db, openDatabase } from "./db/database.ts";
import { migrateToLatest } from "./db/migrate.ts";
import { type Now, type Random, randomId } from "./domain/environment.ts";
import { createGuard } from "./domain/guard.ts";
import { createKeyring } from "./domain/keyring.ts";
import { createPasswordPolicy } from "./domain/password-policy.ts";
import { createPasswords } from "./domain/passwords.ts";
import { createSessions } from "./domain/sessions.ts";
import { createSignIn } from "./domain/sign-in.ts";
import { createTokens } from "./domain/tokens.ts";
import { createUsers } from "./domain/users.ts";
import { createApp } from "./http/app.ts";
import { createAppRouter } from "./rpc/router.ts";

export interface WorldOptions {
  readonly now: Now;
  readonly random: Random;
  readonly fetch: typeof globalThis.fetch;
}

export const realWorld: WorldOptions = {
  now: Date.now,
  random: (sizeBytes) => new Uint8Array(randomBytes(sizeBytes)),
  fetch: globalThis.fetch,
};

export interface ServerOptions {
  readonly config: Config & { readonly secret: string };
  readonly world?: WorldOptions;
  /** Fastify's; without one, nothing is logged. */
  readonly logger?: FastifyServerOptions["logger"];
}

/** Where the web app's build is. */
const webDirectory = join(import.meta.dirname, "../../web/dist");

export type Domain = Awaited<ReturnType<typeof createDomain>>;

/** Everything below the transports; also what the admin commands work on. */
export const createDomain = async (db: Db, { config, world = realWorld }: ServerOptions) => {
  const { now, random, fetch } = world;
  const users = createUsers({ db, now, random });
  const sessions = createSessions({ db, now, random });
  const passwords = createPasswords({
    cost: config.bcryptCost,
    pepper: config.pepper,
    previousPeppers: config.previousPeppers,
  });
  const passwordPolicy = createPasswordPolicy({
    breachedPasswordsUrl: config.breachedPasswordsUrl,
    fetch,
    contextWords: ["lockstep", ...new URL(config.publicUrl).hostname.split(".")],
  });
  const keyring = await createKeyring({ db, now, secret: config.secret });
  const tokens = createTokens({ keyring, issuer: config.publicUrl, now, random });
  const guard = createGuard({ tokens, sessions, now });
  const signIn = createSignIn({ users, passwords, sessions, tokens });
  return { users, sessions, passwords, passwordPolicy, keyring, tokens, guard, signIn };
};

/**
 * A server that is ready to listen, its database opened and migrated.
 * @throws StartError when the database or its keys do not fit.
 */
export const createServer = async (options: ServerOptions) => {
  const { config, world = realWorld, logger = false } = options;
  const db = await openDatabase(config.databaseUrl);
  try {
    await migrateToLatest(db);
    const domain = await createDomain(db, options);
    const router = createAppRouter(domain);
    const app = await createApp({
      db,
      guard: domain.guard,
      router,
      newRequestId: () => randomId(world.random),
      logger,
      trustProxy: config.trustProxy,
      secure: config.publicUrl.startsWith("https://"),
      web: { directory: webDirectory, devUrl: config.webDevUrl },
    });
    const close = async () => {
      await app.close();
      await db.destroy();
    };
    return { app, db, domain, router, close };
  } catch (error) {
    await db.destroy();
    throw error;
  }
};
