// The composition root: creates each part once, in the order of their dependencies. Clock, randomness, network and
// environment enter here as `world` (`world.ts`); nothing else accesses them. The domain: `compose-domain.ts`.

import { setTimeout as delay } from "node:timers/promises";
import type { AnyContract } from "@lockstep/kit";
import type { AnyTRPCRouter } from "@trpc/server";
import { type App, assertEngineIn } from "./app.ts";
import { createAuthorizationServer } from "./authorization-server/authorization-server.ts";
import { createDomain } from "./compose-domain.ts";
import type { Config } from "./config.ts";
import { openDatabase } from "./db/database.ts";
import { migrateToLatest } from "./db/migrate.ts";
import type { PoolCounts } from "./db/postgres.ts";
import { folderFault } from "./db/sqlite-files.ts";
import { startDeadline } from "./deadline.ts";
import { createAppAudit, type NewAuditEntry } from "./domain/kernel/audit.ts";
import { reportedClockDifferenceMs } from "./domain/kernel/clock.ts";
import { randomId } from "./domain/kernel/environment.ts";
import { type CaughtMail, createCaughtMails } from "./domain/mail/caught-mails.ts";
import { createDispatcher, type MailOutcome } from "./domain/mail/dispatcher.ts";
import { catchMails } from "./domain/mail/smtp.ts";
import { createApp, type LogOptions } from "./http/app.ts";
import { authorizationCookies, cookiesFor, loginCookies } from "./http/cookies.ts";
import { allowAnyOrigin, crossOriginHeaders, markCrossOrigin } from "./http/cross-origin.ts";
import { docsClient, docsClientId } from "./http/docs.ts";
import { createListening, type ListenOptions } from "./http/listening.ts";
import { createMetricsApp, listenForMetrics } from "./http/metrics.ts";
import { createProtocolPages } from "./http/protocol-pages.ts";
import { sourceOf } from "./http/request.ts";
import { needsMail } from "./mail-settings.ts";
import type { Metrics } from "./metrics.ts";
import { createOutbound, type ObserveOutbound } from "./outbound.ts";
import { createIdentityProviders } from "./relying-party/identity-providers.ts";
import { createTransactions } from "./relying-party/transactions.ts";
import { engineProcedures } from "./rpc/engine.ts";
import { observers } from "./rpc/observed.ts";
import { createImplement, createRouter, type ServedRouter } from "./rpc/trpc.ts";
import { securityEventOf } from "./security-events.ts";
import { realWorld, type WorldOptions } from "./world.ts";

export interface ServerOptions<C extends AnyContract = AnyContract> {
  readonly app: App<C>;
  readonly config: Config & { readonly secret: string };
  readonly world?: WorldOptions;
  /** Default: nothing is logged. */
  readonly logger?: LogOptions | false;
  /** The folder of the web app's build. */
  readonly webDirectory?: string;
  /** Replaces what prints the metrics, when this process is one of several of a server. */
  readonly joinMetrics?: (collect: Metrics["collect"]) => () => Promise<string>;
  /** Called for each mail that is caught in place of being sent. */
  readonly onCaughtMail?: (mail: CaughtMail) => void;
}

/** The configured identity providers. `outbound.close` closes the connections to them. */
export const createConfiguredProviders = (
  { providers: settings }: Pick<Config, "providers">,
  world = realWorld,
  observe?: ObserveOutbound,
) => {
  const outbound = createOutbound(world.outbound, observe);
  return { providers: createIdentityProviders({ settings, outbound, now: world.now }), outbound };
};

/**
 * Creates a server that is ready to listen, with its database opened and migrated.
 * @throws StartError when the database or its keys cannot be used
 */
export const createServer = async <C extends AnyContract>(options: ServerOptions<C>) => {
  const { config, logger = false } = options;
  const outside = options.world ?? realWorld;
  assertEngineIn(options.app.contract);
  const { databaseLimitMs: limitMs } = outside;
  let tellTraces: (failure: string | null) => void = () => {};
  let tellSecurityEvent: (entry: NewAuditEntry) => void = () => {};
  // Loaded when something is traced.
  const traces =
    config.traces &&
    (await import("./traces.ts")).createTraces({
      settings: config.traces,
      productName: options.app.brand.name,
      report: (failure) => tellTraces(failure),
      limits: outside.tracesLimits,
    });
  const world = traces ? { ...outside, fetch: traces.tracedFetch(outside.fetch) } : outside;
  // Loaded when something is measured.
  const own = config.metrics && (await import("./metrics.ts")).createMetrics(options.app.contract);
  const metrics = own && options.joinMetrics ? { ...own, print: options.joinMetrics(own.collect) } : own;
  let poolCounts: (() => PoolCounts) | null = null;
  const db = await openDatabase(config.databaseUrl, {
    poolSize: config.databasePool,
    limitMs,
    observe: traces?.observeStatement ?? null,
    onPool(count) {
      poolCounts = count;
    },
  });
  const closing = new AbortController();
  let draining = false;
  const { providers, outbound } = createConfiguredProviders(config, world, traces?.observeOutbound);
  try {
    await migrateToLatest(db, options.app.migrations);
    const domain = await createDomain(db, { ...options, world }, closing.signal, {
      onAudit(entry) {
        metrics?.countAudit(entry);
        tellSecurityEvent(entry);
      },
      onDeleted: metrics?.countDeleted,
      observeSending: traces?.observeSending,
    });
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
    const router = createRouter<AnyContract>(
      contract,
      {
        ...procedures({
          implement: createImplement(contract.errors),
          db,
          now: domain.clock.now,
          random,
          users: domain.users,
          audit: createAppAudit(domain.audit),
        }),
        ...engineProcedures({ ...domain, authorizationRequests: authorizationServer.requests }),
      } as never,
      observers([metrics?.observeCall, traces?.observeCall]),
    ) as unknown as ServedRouter<C> & AnyTRPCRouter;
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
      log: logger || null,
      trustProxy: config.trustProxy,
      publicUrl: config.publicUrl,
      allowedOrigins: config.allowedOrigins,
      relatedOrigins: config.passkeyOrigins,
      admission: domain.admission,
      sealed: domain.sealed,
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
      logRequests: config.logRequests,
      traces,
      metrics: metrics && config.metrics?.listen === null ? { metrics, token: config.metrics.token } : null,
      devMail: config.production ? null : { caughtMails, renderMail: domain.renderMail },
    });
    tellTraces = (failure) => {
      if (failure === null) app.log.info("traces are sent again");
      else app.log.warn({ reason: failure }, "traces cannot be sent, and are dropped until the collector answers");
    };
    tellSecurityEvent = (entry) => {
      const event = securityEventOf(entry);
      if (event) app.log[event.level](event.facts, event.message);
    };
    metrics?.watch({
      hashing: domain.hashingQueue.counts,
      pool: () => poolCounts?.() ?? null,
      mails: domain.messages.backlog,
    });
    const tellOutcome = ({ mail, outcome, ...facts }: MailOutcome) => {
      metrics?.countMail({ outcome });
      if (outcome !== "sent") app.log.warn(facts, outcome === "delayed" ? "a mail is delayed" : "a mail was given up");
      else app.log.info(facts, "a mail was sent");
      if (mail && config.mail.server === null) options.onCaughtMail?.(mail);
    };
    if (!config.mail.on) app.log.warn(`MAIL=off: no mail is sent. Turned off: ${needsMail.join(", ")}.`);
    const { databaseUrl } = config;
    const fault = databaseUrl.startsWith("file:") ? folderFault(databaseUrl.slice("file:".length)) : null;
    if (fault) app.log.warn(`${fault.problem}: ${fault.advice}`);
    const differenceMs = domain.clock.offsetMs();
    if (Math.abs(differenceMs) >= reportedClockDifferenceMs)
      app.log.warn(
        `This machine's clock is ${(Math.abs(differenceMs) / 1000).toFixed(1)} s ${differenceMs < 0 ? "ahead of" : "behind"} the database's. Lockstep follows the database's clock; ID tokens carry this machine's time. Synchronize it (NTP).`,
      );
    const logoutNotifications = authorizationServer.endedSessions.begin(domain.events, (error) =>
      app.log.warn({ err: error }, "a client was not notified of the end of a session"),
    );
    domain.news.begin({
      url: config.databaseListenUrl ?? config.databaseUrl,
      hear: (piece) => domain.serverNews.hear(piece, { loadKeys: () => void domain.keyring.learn().catch(() => {}) }),
      report: (error) => app.log.warn({ err: error }, "news of other servers are not heard"),
    });
    const upkeep = domain.upkeep.begin((error) => {
      metrics?.countUpkeepFailure();
      app.log.error({ err: error }, "upkeep failed");
    });
    const dispatching = config.mail.on
      ? dispatcher.begin((error) => app.log.error({ err: error }, "the queue of mails could not be read"))
      : null;
    const metricsApp =
      metrics && config.metrics?.listen ? await createMetricsApp({ metrics, ...config.metrics }) : null;
    const listening = createListening(app);
    const listen = async (where: ListenOptions): Promise<string> => {
      if (metricsApp && config.metrics?.listen) await listenForMetrics(metricsApp, config.metrics.listen);
      return listening.listen(where);
    };
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
        await deadline.before(domain.news.end());
        await deadline.before(traces?.end() ?? Promise.resolve());
        // Last, so that the shutdown is measured.
        if (metricsApp) await deadline.before(metricsApp.close());
        await deadline.before(db.destroy());
      } finally {
        deadline.end();
      }
    };
    return { app, metricsApp, traces, db, domain, router, caughtMails, listen, close };
  } catch (error) {
    await traces?.end();
    await outbound.close();
    await db.destroy();
    throw error;
  }
};
