// The composition root: creates each part once, in the order of their dependencies. Clock, randomness, network and
// environment enter here as `world`; nothing else accesses them.

import { lookup } from "node:dns";
import { availableParallelism } from "node:os";
import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import type { AnyContract } from "@lockstep/kit";
import type { AnyTRPCRouter } from "@trpc/server";
import type { FastifyServerOptions } from "fastify";
import { type App, assertEngineIn } from "./app.ts";
import { createAuthorizationServer } from "./authorization-server/authorization-server.ts";
import { createDpopNonces } from "./authorization-server/dpop-nonces.ts";
import { registrationFormat } from "./authorization-server/registrations.ts";
import type { Config } from "./config.ts";
import { readDatabaseTime } from "./db/clock.ts";
import { type Db, openDatabase } from "./db/database.ts";
import { migrateToLatest } from "./db/migrate.ts";
import { folderWarning } from "./db/sqlite-files.ts";
import { truncateLargeLog } from "./db/sqlite-log.ts";
import { databaseLimitMs } from "./db/time-limit.ts";
import { startDeadline } from "./deadline.ts";
import { createAccounts } from "./domain/accounts/accounts.ts";
import { createEmailChanges } from "./domain/accounts/email-change.ts";
import { createHashingQueue } from "./domain/accounts/hashing-queue.ts";
import { createHashingThreads } from "./domain/accounts/hashing-threads.ts";
import { createPasswordChange } from "./domain/accounts/password-change.ts";
import { createPasswordPolicy } from "./domain/accounts/password-policy.ts";
import { createPasswords } from "./domain/accounts/passwords.ts";
import { createProofRequests } from "./domain/accounts/proof-requests.ts";
import { createProofs } from "./domain/accounts/proofs.ts";
import { createRecovery } from "./domain/accounts/recovery.ts";
import { createRegistrations } from "./domain/accounts/registration.ts";
import { createSignUpRules } from "./domain/accounts/sign-up-rules.ts";
import { createUsernames } from "./domain/accounts/usernames.ts";
import { createUsers } from "./domain/accounts/users.ts";
import { createClients } from "./domain/clients/clients.ts";
import { createGrants } from "./domain/clients/grants.ts";
import { createOAuthRecords } from "./domain/clients/oauth-records.ts";
import { createIdentities } from "./domain/identities/identities.ts";
import { createIdentitySignIn } from "./domain/identities/identity-sign-in.ts";
import { createLinkTickets } from "./domain/identities/link-tickets.ts";
import { createAnonymousEntries } from "./domain/kernel/anonymous-entries.ts";
import { createAppAudit, createAudit } from "./domain/kernel/audit.ts";
import { createClock, reportedClockDifferenceMs } from "./domain/kernel/clock.ts";
import { type Now, type Random, randomId } from "./domain/kernel/environment.ts";
import { createSealed } from "./domain/kernel/sealed.ts";
import { createSecrets } from "./domain/kernel/secrets.ts";
import { createSpentIds } from "./domain/kernel/spent-ids.ts";
import { createThrottle } from "./domain/kernel/throttle.ts";
import { createUpkeep } from "./domain/kernel/upkeep.ts";
import { type CaughtMail, createCaughtMails } from "./domain/mail/caught-mails.ts";
import { createDispatcher, type MailOutcome, parallelMails } from "./domain/mail/dispatcher.ts";
import { createMessages } from "./domain/mail/messages.ts";
import { createNotices } from "./domain/mail/notices.ts";
import { catchMails, connectBySmtp } from "./domain/mail/smtp.ts";
import { createRenderMail } from "./domain/mail/templates.ts";
import { createDevices } from "./domain/sessions/devices.ts";
import { createSessionEvents } from "./domain/sessions/session-events.ts";
import { createSessions } from "./domain/sessions/sessions.ts";
import { createSignIn } from "./domain/sessions/sign-in.ts";
import { createWatchSessions } from "./domain/sessions/watch-sessions.ts";
import { createDpop } from "./domain/tokens/dpop.ts";
import { createGuard } from "./domain/tokens/guard.ts";
import { createKeyring } from "./domain/tokens/keyring.ts";
import { createScopes } from "./domain/tokens/scopes.ts";
import { createTokens, idTokenLifetimeSeconds } from "./domain/tokens/tokens.ts";
import { createVerifiedTokens } from "./domain/tokens/verified-tokens.ts";
import { createApp } from "./http/app.ts";
import { authorizationCookies, cookiesFor, loginCookies } from "./http/cookies.ts";
import { allowAnyOrigin, crossOriginHeaders, markCrossOrigin } from "./http/cross-origin.ts";
import { docsClient, docsClientId } from "./http/docs.ts";
import { createListening } from "./http/listening.ts";
import { createProtocolPages } from "./http/protocol-pages.ts";
import { sourceOf } from "./http/request.ts";
import { needsMail } from "./mail-settings.ts";
import { createOutbound, type OutboundOptions } from "./outbound.ts";
import { systemRandom } from "./random.ts";
import { createIdentityProviders } from "./relying-party/identity-providers.ts";
import { createTransactions } from "./relying-party/transactions.ts";
import { engineProcedures } from "./rpc/engine.ts";
import { createImplement, createRouter, type ServedRouter } from "./rpc/trpc.ts";

export interface WorldOptions {
  /** The machine's clock. */
  readonly now: Now;
  /** The clock that all servers of a database share: epoch milliseconds. `null`: there is only the machine's. */
  readonly databaseTime: (db: Db) => Promise<number | null>;
  readonly random: Random;
  readonly fetch: typeof globalThis.fetch;
  /** How to reach URLs that identity providers and clients name. */
  readonly outbound: OutboundOptions;
  /** The number of passwords that may be hashed at once now. */
  readonly hashingThreads: () => number;
  /** How long a call may wait for the database in total. */
  readonly databaseLimitMs: number;
  /** How long the result of a database check is reused for `/readyz`. */
  readonly readinessKeptMs: number;
  /** How long a request may take to arrive. */
  readonly requestTimeoutMs: number;
}

export const realWorld: WorldOptions = {
  requestTimeoutMs: 30_000,
  now: Date.now,
  databaseTime: readDatabaseTime,
  random: systemRandom(),
  fetch: globalThis.fetch,
  outbound: { lookup, timeoutMs: 8000 },
  hashingThreads: createHashingThreads(
    // `prelude.mjs` sets the size of libuv's pool; 4 is libuv's own default.
    { cores: availableParallelism(), poolSize: Number(process.env["UV_THREADPOOL_SIZE"]) || 4 },
    () => performance.eventLoopUtilization(),
  ),
  databaseLimitMs,
  readinessKeptMs: 1000,
};

export interface ServerOptions<C extends AnyContract = AnyContract> {
  readonly app: App<C>;
  readonly config: Config & { readonly secret: string };
  readonly world?: WorldOptions;
  /** Fastify's option. Default: nothing is logged. */
  readonly logger?: FastifyServerOptions["logger"];
  /** The folder of the web app's build. */
  readonly webDirectory?: string;
  /** Called for each mail that is caught in place of being sent. */
  readonly onCaughtMail?: (mail: CaughtMail) => void;
}

export type Domain = Awaited<ReturnType<typeof createDomain>>;

/** Everything below the transports. The admin commands use it too. */
export const createDomain = async (
  db: Db,
  { app: { brand, contract, mails = {} }, config, world = realWorld }: Pick<ServerOptions, "app" | "config" | "world">,
  closing: AbortSignal = new AbortController().signal,
) => {
  const { random, fetch } = world;
  const clock = await createClock({ machineNow: world.now, readSharedTime: () => world.databaseTime(db) });
  const { now } = clock;
  const secrets = createSecrets(config.secret, config.previousSecrets);
  const audit = createAudit({ db, now, random });
  const events = createSessionEvents();
  const scopes = createScopes(contract.scopes);
  const users = createUsers({ db, now, random });
  const sessions = createSessions({ db, now, random, secrets, audit, events, limits: config.sessionLimits });
  const watchSessions = createWatchSessions({ sessions, events, closing });
  const passwords = createPasswords({
    cost: config.bcryptCost,
    pepper: config.pepper,
    previousPeppers: config.previousPeppers,
    queue: createHashingQueue(world.hashingThreads),
  });
  const passwordPolicy = createPasswordPolicy({
    breachedPasswordsUrl: config.breachedPasswordsUrl,
    fetch,
    contextWords: [brand.name.toLowerCase(), ...new URL(config.publicUrl).hostname.split(".")],
  });
  const keyring = await createKeyring({ db, now, secrets, audit, tokenLifetimeSeconds: idTokenLifetimeSeconds });
  const tokens = createTokens({ keyring, issuer: config.publicUrl, now, random });
  const spentIds = createSpentIds({ db, now });
  const oauthRecords = createOAuthRecords({ db, now, secrets });
  const throttle = createThrottle({ db, now, secrets });
  const anonymousEntries = createAnonymousEntries(throttle);
  const clients = createClients({
    db,
    now,
    random,
    spentIds,
    audit,
    anonymousEntries,
    productName: brand.name,
    scopes,
    registrations: registrationFormat,
  });
  const { lifetimeSeconds } = config.sessionLimits;
  const grants = createGrants({ db, now, clients, scopes, audit, records: oauthRecords, spentIds, lifetimeSeconds });
  const verifiedTokens = createVerifiedTokens({ tokens, keyring, now });
  const guard = createGuard({
    tokens: verifiedTokens,
    sessions,
    grants,
    clients,
    dpop: createDpop({ spentIds, nonces: createDpopNonces(secrets), now }),
    now,
    roles: contract.roles,
  });
  const sealed = createSealed({ secrets, now });
  const messages = createMessages({
    db,
    now,
    random,
    secrets,
    sealed,
    throttle,
    audit,
    on: config.mail.on,
    keepSent: config.mail.server === null,
  });
  const renderMail = createRenderMail({ brand, publicUrl: config.publicUrl, templates: mails });
  const { server, from } = config.mail;
  /** `null`: mails are caught. */
  const connectToMailServer = server ? connectBySmtp({ server, from, brand, connections: parallelMails }) : null;
  const notices = createNotices({ messages, users, spentIds, now });
  const devices = createDevices({ secrets, random, now });
  const signIn = createSignIn({ db, users, passwords, sessions, tokens, throttle, devices, audit, notices, scopes });
  const accounts = createAccounts({ db, users, sessions, grants, audit });
  const identities = createIdentities({
    db,
    now,
    random,
    users,
    sessions,
    sealed,
    audit,
    notices,
    providers: config.providers,
  });
  const passwordChange = createPasswordChange({
    db,
    now,
    users,
    passwords,
    passwordPolicy,
    sessions,
    grants,
    identities,
    signIn,
    audit,
    events,
    notices,
  });
  const usernames = createUsernames({ db, random, productName: brand.name });
  const signUpRules = createSignUpRules({ db, now, settings: config.signUp, messages, audit });
  const proofs = createProofs({ db, now, random, secrets });
  const proofRequests = createProofRequests({ db, now, random, proofs, messages, throttle });
  const registrations = createRegistrations({
    db,
    users,
    usernames,
    accounts,
    passwords,
    passwordPolicy,
    proofs,
    proofRequests,
    signUpRules,
    sessions,
    signIn,
    devices,
    throttle,
  });
  const recovery = createRecovery({
    db,
    users,
    passwords,
    passwordPolicy,
    proofs,
    proofRequests,
    sessions,
    grants,
    identities,
    devices,
    notices,
    audit,
    events,
  });
  const emailChanges = createEmailChanges({
    db,
    users,
    accounts,
    proofs,
    proofRequests,
    sessions,
    grants,
    identities,
    notices,
    audit,
  });
  const identitySignIn = createIdentitySignIn({
    db,
    users,
    usernames,
    accounts,
    signUpRules,
    identities,
    sessions,
    signIn,
    devices,
    notices,
  });
  const linkTickets = createLinkTickets({ sealed });
  const upkeep = createUpkeep({
    clock,
    keyring,
    deletions: [
      sessions.deleteExpired,
      throttle.deleteForgotten,
      grants.deleteExpired,
      oauthRecords.deleteExpired,
      spentIds.deleteExpired,
      clients.deleteUnused,
      messages.deleteOld,
      proofs.deleteExpired,
      signUpRules.deleteExpired,
    ],
    shrinkFiles: () => truncateLargeLog(db),
  });
  return {
    clock,
    scopes,
    secrets,
    users,
    events,
    sessions,
    watchSessions,
    passwords,
    passwordPolicy,
    passwordChange,
    accounts,
    proofs,
    registrations,
    recovery,
    emailChanges,
    signUpRules,
    keyring,
    tokens,
    guard,
    throttle,
    anonymousEntries,
    signIn,
    clients,
    grants,
    oauthRecords,
    spentIds,
    sealed,
    devices,
    messages,
    notices,
    renderMail,
    connectToMailServer,
    identities,
    identitySignIn,
    linkTickets,
    audit,
    upkeep,
  };
};

/** The configured identity providers. `outbound.close` closes the connections to them. */
export const createConfiguredProviders = ({ providers: settings }: Pick<Config, "providers">, world = realWorld) => {
  const outbound = createOutbound(world.outbound);
  return { providers: createIdentityProviders({ settings, outbound, now: world.now }), outbound };
};

/**
 * Creates a server that is ready to listen, with its database opened and migrated.
 * @throws StartError when the database or its keys cannot be used
 */
export const createServer = async <C extends AnyContract>(options: ServerOptions<C>) => {
  const { config, world = realWorld, logger = false } = options;
  assertEngineIn(options.app.contract);
  const { databaseLimitMs: limitMs } = world;
  const db = await openDatabase(config.databaseUrl, { poolSize: config.databasePool, limitMs });
  const closing = new AbortController();
  let draining = false;
  const { providers, outbound } = createConfiguredProviders(config, world);
  try {
    await migrateToLatest(db, options.app.migrations);
    const domain = await createDomain(db, options, closing.signal);
    const { random, fetch } = world;
    const newId = () => randomId(random);
    const web = { directory: options.webDirectory ?? null, devUrl: config.webDevUrl };
    await domain.clients.ensure(docsClientId, docsClient(config.publicUrl, domain.scopes.names));
    const cookies = cookiesFor(config.publicUrl);
    const renderPage = createProtocolPages({ ...web, fetch, brand: options.app.brand });
    const authorizationServer = createAuthorizationServer({
      ...domain,
      issuer: config.publicUrl,
      limits: config.sessionLimits,
      registration: config.registration,
      now: domain.clock.now,
      newId,
      // For URLs that clients register: their keys, and their logout notifications.
      fetch: outbound.fetchFor({ allowPrivateAddresses: !config.production }),
      renderPage,
      authorizationCookies: authorizationCookies(config.publicUrl),
      refreshTokenOf: (request, reply) => cookies(request, reply).refreshToken,
      sourceOf,
      crossOrigin: { mark: markCrossOrigin, headers: crossOriginHeaders, allowAny: allowAnyOrigin },
    });
    const { brand, contract, procedures } = options.app;
    // `defineApp` checks the app's own operations against the contract.
    const router = createRouter<AnyContract>(contract, {
      ...procedures({
        implement: createImplement(contract.errors),
        db,
        now: domain.clock.now,
        random,
        users: domain.users,
        audit: createAppAudit(domain.audit),
      }),
      ...engineProcedures({ ...domain, authorizationRequests: authorizationServer.requests }),
    } as never) as unknown as ServedRouter<C> & AnyTRPCRouter;
    const dispatcher = createDispatcher({
      messages: domain.messages,
      render: domain.renderMail,
      connect: domain.connectToMailServer ?? catchMails,
      now: domain.clock.now,
      tell: (outcome) => tellOutcome(outcome),
    });
    const caughtMails = createCaughtMails({ ...domain, dispatcher });
    const app = await createApp({
      brand,
      contract,
      scopes: domain.scopes,
      db,
      isDraining: () => draining,
      databaseLimitMs: limitMs,
      readinessKeptMs: world.readinessKeptMs,
      guard: domain.guard,
      keyring: domain.keyring,
      router,
      newRequestId: newId,
      requestTimeoutMs: world.requestTimeoutMs,
      logger,
      trustProxy: config.trustProxy,
      publicUrl: config.publicUrl,
      allowedOrigins: config.allowedOrigins,
      signIn: domain.signIn,
      contact: config.contact,
      passwordGrant: config.passwordGrant,
      authorizationServer,
      renderPage,
      relyingParty: {
        ...domain,
        publicUrl: config.publicUrl,
        providers,
        transactions: createTransactions({ ...domain, random: world.random, cookies: loginCookies(config.publicUrl) }),
      },
      web,
      devMail: config.production ? null : { caughtMails, renderMail: domain.renderMail },
    });
    const tellOutcome = ({ mail, outcome, ...facts }: MailOutcome) => {
      if (outcome !== "sent") app.log.warn(facts, outcome === "delayed" ? "a mail is delayed" : "a mail was given up");
      else app.log.info(facts, "a mail was sent");
      if (mail && config.mail.server === null) options.onCaughtMail?.(mail);
    };
    if (!config.mail.on) app.log.warn(`MAIL=off: no mail is sent. Turned off: ${needsMail.join(", ")}.`);
    const { databaseUrl } = config;
    const warning = databaseUrl.startsWith("file:") ? folderWarning(databaseUrl.slice("file:".length)) : null;
    if (warning) app.log.warn(warning);
    const differenceMs = domain.clock.offsetMs();
    if (Math.abs(differenceMs) >= reportedClockDifferenceMs)
      app.log.warn(
        `This machine's clock is ${(Math.abs(differenceMs) / 1000).toFixed(1)} s ${differenceMs < 0 ? "ahead of" : "behind"} the database's. Lockstep follows the database's clock; ID tokens carry this machine's time. Synchronize it (NTP).`,
      );
    const logoutNotifications = authorizationServer.endedSessions.begin(domain.events, (error) =>
      app.log.warn({ err: error }, "a client was not notified of the end of a session"),
    );
    const upkeep = domain.upkeep.begin((error) => app.log.error({ err: error }, "upkeep failed"));
    const dispatching = config.mail.on
      ? dispatcher.begin((error) => app.log.error({ err: error }, "the queue of mails could not be read"))
      : null;
    const listening = createListening(app);
    app.addHook("preClose", (done) => {
      // Fastify stops listening right after this hook. Streams end then, so that clients reconnect to another server.
      setImmediate(() => closing.abort());
      done();
    });
    /**
     * Shuts down in order: not ready, then after a delay no new connections, the end of streams, the answers to pending
     * calls. Ends at the configured deadline in any case.
     */
    const close = async () => {
      const { delaySeconds, timeoutSeconds } = config.shutdown;
      draining = true;
      if (delaySeconds > 0) await delay(delaySeconds * 1000);
      const deadline = startDeadline(timeoutSeconds * 1000, () => {
        app.log.warn(
          `not everything had finished ${timeoutSeconds} s after the shutdown began: open connections are cut`,
        );
        app.server.closeAllConnections();
      });
      try {
        await deadline.before(Promise.all([app.close(), upkeep.end(), dispatching?.end()]));
        await deadline.before(listening.closed());
        await deadline.before(logoutNotifications.end());
        await deadline.before(outbound.close());
        await deadline.before(db.destroy());
      } finally {
        deadline.end();
      }
    };
    return { app, db, domain, router, caughtMails, listen: listening.listen, close };
  } catch (error) {
    await outbound.close();
    await db.destroy();
    throw error;
  }
};
