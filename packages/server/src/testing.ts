// Owns whole servers for tests of this package and of its clients: real, in this process, on a database of their own,
// with a clock that tests move.

import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AnyContract, RegisterClientInput, type User } from "@lockstep/kit";
import { SignJWT } from "jose";
import { codeOf } from "../test/authenticator-app.ts";
import type { App } from "./app.ts";
import type { Domain } from "./compose-domain.ts";
import type { Config } from "./config.ts";
import { type DatabaseUrl, type Db, defaultPoolSize } from "./db/database.ts";
import { databaseLimitMs } from "./db/time-limit.ts";
import { startDemoProvider } from "./demo-provider.ts";
import { john, seedDevelopment } from "./development.ts";
import type { Source } from "./domain/kernel/audit.ts";
import { randomId } from "./domain/kernel/environment.ts";
import type { CaughtMail } from "./domain/mail/caught-mails.ts";
import type { RefreshedSession, Sessions } from "./domain/sessions/sessions.ts";
import { fixtureApp, type fixtureContract } from "./fixture-app.ts";
import type { LogOptions } from "./http/app.ts";
import type { OutboundOptions } from "./outbound.ts";
import type { Request } from "./rpc/context.ts";
import { createServer, type ServerOptions } from "./server.ts";
import { realWorld, type WorldOptions } from "./world.ts";

export { john, startDemoProvider };

/** The six digits that an authenticator app shows for a secret in base32, at a time in epoch milliseconds. */
export const totpCode = (secret: string, at: number): string => codeOf(secret, at);

/** A clock that stands still until a test moves it. */
export const testClock = (start = Date.now()) => {
  let time = start;
  return {
    now: () => time,
    advanceSeconds(seconds: number) {
      time += seconds * 1000;
    },
  };
};

const onlyLocalhost = ((hostname: string, _options: unknown, answer: (...result: unknown[]) => void) => {
  if (hostname === "localhost") answer(null, [{ address: "127.0.0.1", family: 4 }]);
  else answer(new Error("The tests have no network"));
}) as OutboundOptions["lookup"];

/**
 * The test clock, and no network.
 * @internal
 */
export const testWorld = (now: () => number): WorldOptions => ({
  now,
  // All servers of a test share its clock.
  databaseTime: async () => null,
  random: (sizeBytes) => new Uint8Array(randomBytes(sizeBytes)),
  fetch: async () => {
    throw new Error("The tests have no network");
  },
  // Loopback only, without a time limit that a busy machine could reach.
  outbound: { lookup: onlyLocalhost, timeoutMs: 30_000 },
  hashingThreads: () => 1,
  requestTimeoutMs: realWorld.requestTimeoutMs,
  databaseLimitMs,
  // Each request to `/readyz` checks the database.
  readinessKeptMs: 0,
  hookLimitMs: realWorld.hookLimitMs,
  // As little work as possible.
  challengeCost: 1,
  tracesLimits: { delayMs: 10, sendMs: 10_000, shutdownMs: 10_000 },
});

/** The source of calls that no transport made. */
export const testSource: Source = { address: "192.0.2.1", userAgent: "a test", requestId: "test" };

/**
 * A sign-in with a username and a password from an unknown device.
 * @internal
 */
export const typed = (username: string, password: string) => ({
  login: { username, password },
  deviceToken: null,
  source: testSource,
});

/**
 * A request without a transport: without a token by default, and with cookies that nothing reads.
 * @internal
 */
export const testRequest = (token: string | null = null): Request => ({
  requestId: "test",
  credential: token === null ? { kind: "none" } : { kind: "bearer", token },
  source: testSource,
  credentialCalls: 1,
  streamed: false,
  cookies: {
    refreshToken: null,
    deviceToken: null,
    foreign: false,
    fromBrowser: false,
    setRefreshToken() {},
    clearRefreshToken() {},
    setDeviceToken() {},
    proofSecret: null,
    setProofSecret() {},
    authorizationSecret: () => null,
    clearAuthorization() {},
  },
});

/**
 * The end of every challenge over HTTP: where to find out who issues tokens (RFC 9728 §5.1).
 * @internal
 */
export const resourceMetadata = 'resource_metadata="http://localhost:3000/.well-known/oauth-protected-resource"';

/**
 * A policy under which nobody needs a second factor.
 * @internal
 */
export const testFactorPolicy = { endsSession: async () => false };

/**
 * Session limits that tests rely on.
 * @internal
 */
export const testSessionLimits = { idleSeconds: 7 * 24 * 3600, lifetimeSeconds: 30 * 24 * 3600, graceSeconds: 10 };

/**
 * Settings of a test server.
 * @internal
 */
export const testConfig = (databaseUrl: DatabaseUrl): ServerOptions["config"] => ({
  production: false,
  port: 0,
  host: "127.0.0.1",
  publicUrl: "http://localhost:3000",
  allowedOrigins: [],
  contact: null,
  databaseUrl,
  databasePool: defaultPoolSize,
  databaseListenUrl: null,
  workers: 1,
  secret: "a secret of tests, of thirty-two characters and more",
  previousSecrets: [],
  sessionLimits: testSessionLimits,
  pepper: null,
  previousPeppers: [],
  // bcrypt's minimum. Tests about the cost set their own.
  bcryptCost: 4,
  passwordGrant: true,
  registration: "off",
  trustProxy: false,
  breachedPasswordsUrl: null,
  providers: [],
  signUp: { policy: "open", domains: null },
  signInCode: false,
  deletionDays: 14,
  challenge: "off",
  mail: { on: true, server: null, from: { name: null, address: "no-reply@lockstep.example" } },
  secondFactor: { policy: "optional", graceSeconds: 0 },
  trustedDeviceSeconds: 30 * 24 * 3600,
  factorResetWaitSeconds: 24 * 3600,
  passkeyOrigins: [],
  demoProvider: false,
  demoProviderPort: 0,
  shutdown: { delaySeconds: 0, timeoutSeconds: 10 },
  logLevel: "silent",
  logRequests: false,
  metrics: null,
  traces: null,
  webDevUrl: null,
});

/** The options of `startTestServer`. All are optional. */
export interface TestServerOptions<C extends AnyContract = typeof fixtureContract> {
  /** The app to serve. Default: the engine's fixture app. */
  readonly app?: App<C>;
  readonly webDirectory?: string;
  /** Default: a new SQLite file. */
  readonly databaseUrl?: DatabaseUrl;
  readonly config?: Partial<Config>;
  readonly now?: () => number;
  readonly world?: Partial<WorldOptions>;
  /** Which log entries are written, and where to: to standard output by default. Default: none. */
  readonly logger?: Partial<LogOptions> & Pick<LogOptions, "level">;
}

/** A server with the user `john`, listening on a free port of this machine; `await using` closes it. */
export const startTestServer = async <C extends AnyContract = typeof fixtureContract>(
  options: TestServerOptions<C> = {},
) => {
  const app = options.app ?? (fixtureApp as App<AnyContract> as App<C>); // `C` is the fixture's without an app
  const directory = await mkdtemp(join(tmpdir(), "lockstep-"));
  const config = {
    ...testConfig(options.databaseUrl ?? `file:${join(directory, "test.db")}`),
    ...options.config,
  } as ServerOptions["config"];
  const server = await createServer({
    app,
    config,
    world: { ...testWorld(options.now ?? Date.now), ...options.world },
    logger: options.logger ? { stream: process.stdout, ...options.logger } : false,
    ...(options.webDirectory !== undefined && { webDirectory: options.webDirectory }),
  });
  const close = async () => {
    await server.close();
    await rm(directory, { recursive: true });
  };
  await seedDevelopment(server.domain, app);
  const url = await server.listen(config).catch(async (error) => {
    await close();
    throw error;
  });
  /** The mails that were caught so far, newest first. */
  const mails = async (): Promise<CaughtMail[]> =>
    (await server.caughtMails()).map(({ to, subject, text, html }) => ({ to, subject, text, html }));
  return { ...server, config, url, mails, close, [Symbol.asyncDispose]: close };
};

/** A server of `startTestServer` with the fixture app. */
export type TestServer = Awaited<ReturnType<typeof startTestServer<typeof fixtureContract>>>;

/** Signs a user in to a first-party client. Creates the account, with john's password, if there is none. */
export const signInAs = async (
  { domain }: { readonly domain: Domain },
  username: string = john.username,
): Promise<{ user: User; accessToken: string }> => {
  if (!(await domain.users.findByLogin(username))) {
    const passwordHash = await domain.passwords.hash(john.password);
    await domain.users.create({ username, email: null, fullName: username, role: "user", passwordHash });
  }
  return domain.signIn.withPassword(typed(username, john.password));
};

/**
 * Starts a session without a sign-in.
 * @internal
 */
export const startSession = async (
  db: Db,
  sessions: Pick<Sessions, "startWithin">,
  userId: string,
  source: Source = testSource,
): Promise<RefreshedSession> => {
  const { announce, ...started } = await db.transaction().execute((transaction) =>
    sessions.startWithin(transaction, userId, source, {
      // Now: no time of a session is in the future.
      factors: [{ method: "password", at: Number.MAX_SAFE_INTEGER }],
    }),
  );
  announce();
  return started;
};

/**
 * An access token under a client's grant, signed as the authorization server signs it, for tests of what happens with
 * it. Obtaining one is tested in `authorization-server/*.test.ts`.
 */
export const grantedToken = async (
  { domain, config }: { domain: Domain; config: ServerOptions["config"] },
  userId: string,
  scopes: readonly string[],
): Promise<{ accessToken: string; clientId: string; grantId: string }> => {
  const { client } = await domain.clients.register(
    RegisterClientInput.parse({
      name: "A photo app",
      kind: "web",
      redirectUris: ["https://photos.example/callback"],
      scopes: domain.scopes.names,
    }),
    "operator",
    testSource,
  );
  const grantId = randomId(realWorld.random);
  await domain.grants.save({ id: grantId, userId, clientId: client.id, scopes, payload: {} }, testSource);
  const key = domain.keyring.signing();
  const accessToken = await new SignJWT({ client_id: client.id, grant_id: grantId, scope: scopes.join(" ") })
    .setProtectedHeader({ alg: key.algorithm, kid: key.id, typ: "at+jwt" })
    .setIssuer(config.publicUrl)
    .setAudience(config.publicUrl)
    .setSubject(userId)
    .setIssuedAt()
    .setExpirationTime("10 minutes")
    .setJti(randomId(realWorld.random))
    .sign(key.privateKey);
  return { accessToken, clientId: client.id, grantId };
};
