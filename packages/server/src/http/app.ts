// Owns the Fastify instance: its limits, security headers and routes.

import cookie from "@fastify/cookie";
import cors from "@fastify/cors";
import type { AnyContract, Brand, ProtocolPage } from "@lockstep/kit";
import type { AnyTRPCRouter } from "@trpc/server";
import Fastify, { type FastifyPluginAsync, type FastifyReply, type FastifyRequest, LogController } from "fastify";
import type { Db } from "../db/database.ts";
import { withDatabaseLimit } from "../db/time-limit.ts";
import type { Admission } from "../domain/admission/admission.ts";
import { DomainError } from "../domain/kernel/domain-error.ts";
import type { Sealed } from "../domain/kernel/sealed.ts";
import type { SignIn } from "../domain/sessions/sign-in.ts";
import type { Guard } from "../domain/tokens/guard.ts";
import type { Keyring } from "../domain/tokens/keyring.ts";
import type { Scopes } from "../domain/tokens/scopes.ts";
import { type RelyingPartyOptions, relyingPartyRoutes } from "../relying-party/routes.ts";
import type { Traces } from "../traces.ts";
import { assertAddressesDiffer, readPages, recordRoutes } from "./addresses.ts";
import { answerClientError, followConnections, isHostValid, nodeOptions } from "./connections.ts";
import { cookiesFor } from "./cookies.ts";
import { anyOriginCors, crossOriginHeadersOf, markCrossOrigin, rpcCorsFor } from "./cross-origin.ts";
import { type DevMailOptions, devMailRoutes } from "./dev-mail.ts";
import { docsRoutes } from "./docs.ts";
import { answerFailure } from "./failure.ts";
import { plainForwardedFor } from "./forwarded-for.ts";
import { healthRoutes } from "./health.ts";
import { jwksRoutes } from "./jwks.ts";
import { loggedError } from "./logged-error.ts";
import { type MetricsOptions, metricsRoutes } from "./metrics.ts";
import { protectedResourceRoutes } from "./protected-resource.ts";
import { relatedOriginsRoutes } from "./related-origins.ts";
import { sourceOf } from "./request.ts";
import { logRequests } from "./request-log.ts";
import { namedTrace, traceRequests } from "./request-traces.ts";
import { restRoutes } from "./rest.ts";
import { refuse, rpcRoutes } from "./rpc.ts";
import { asPage, securityHeaders } from "./security-headers.ts";
import { seenRequestRoutes } from "./seen-request.ts";
import { tokenRoutes } from "./token.ts";
import { userinfoRoutes } from "./userinfo.ts";
import { webRoutes } from "./web.ts";

/** The largest request body. No operation needs more. */
const maxBodyBytes = 100 * 1024;

/** The levels at which requests are logged. */
const levelsWithRequests: ReadonlySet<string> = new Set(["info", "debug", "trace"]);

const noSchemas = () => {
  throw new Error("Routes must not declare a JSON Schema");
};

/** Where log entries go, as lines of JSON, from which level on. */
export interface LogOptions {
  readonly level: string;
  readonly stream: { write(text: string): void };
  /** Calls back when the process exits, so that no line is lost. Default: it never does. */
  readonly atExit?: (flush: () => void) => void;
}

export interface AppOptions {
  readonly db: Db;
  /** Whether the server is shutting down. */
  readonly isDraining: () => boolean;
  /** How long a call may wait for the database in total. */
  readonly databaseLimitMs: number;
  readonly readinessKeptMs: number;
  readonly guard: Guard;
  readonly keyring: Keyring;
  readonly brand: Brand;
  readonly contract: AnyContract;
  readonly scopes: Scopes;
  readonly router: AnyTRPCRouter;
  readonly newRequestId: () => string;
  /** How long a request may take to arrive, including its body. */
  readonly requestTimeoutMs: number;
  /** `null`: nothing is logged. */
  readonly log: LogOptions | null;
  readonly trustProxy: boolean | string[];
  readonly publicUrl: string;
  /** Origins whose pages may call RPC, besides that of `publicUrl`. */
  readonly allowedOrigins: readonly string[];
  /** Origins whose pages may use the passkeys of `publicUrl`. */
  readonly relatedOrigins: readonly string[];
  /** The contact for developers of clients. `null`: none. */
  readonly contact: string | null;
  readonly admission: Admission;
  readonly sealed: Sealed;
  readonly signIn: SignIn;
  readonly passwordGrant: boolean;
  /** The authorization server's own routes, and its part of `/token`. */
  readonly authorizationServer: {
    readonly routes: FastifyPluginAsync;
    readonly registrationRoutes: FastifyPluginAsync;
    readonly answer: (request: FastifyRequest, reply: FastifyReply, body: Buffer) => Promise<void>;
  };
  readonly relyingParty: Omit<RelyingPartyOptions, "cookies" | "sourceOf">;
  /** Renders a page that is part of a protocol. */
  readonly renderPage: (page: ProtocolPage) => Promise<string>;
  readonly web: { directory: string | null; devUrl: string | null };
  readonly logRequests: boolean;
  /** `null`: nothing is traced. */
  readonly traces: Pick<Traces, "beginRequest" | "currentTraceId"> | null;
  /** `null`: the server has no `/metrics`. */
  readonly metrics: MetricsOptions | null;
  /** `null`: production has no `/dev/mail`. */
  readonly devMail: Omit<DevMailOptions, "publicUrl"> | null;
}

export const createApp = async (options: AppOptions) => {
  const headers = securityHeaders(options);
  const withHeaders = (request: FastifyRequest, reply: FastifyReply) =>
    reply.headers(headers.data).header("x-request-id", request.id);
  const rpcCors = rpcCorsFor(options.allowedOrigins);
  const { log } = options;
  const app = Fastify({
    logger: log
      ? {
          level: log.level,
          stream: log.stream,
          serializers: { err: loggedError },
          ...(options.traces && namedTrace(options.traces)),
        }
      : false,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: maxBodyBytes,
    trustProxy: options.trustProxy,
    genReqId: options.newRequestId,
    requestTimeout: options.requestTimeoutMs,
    http: nodeOptions(options.requestTimeoutMs),
    clientErrorHandler: (error, socket) =>
      answerClientError(error, socket, {
        headers: {
          ...headers.data,
          ...crossOriginHeadersOf(connections.answeringOn(socket)),
        },
        requestId: options.newRequestId(),
        answering: connections.answeringOn(socket),
      }),
    // On shutdown idle connections are closed, and requests on the others are still answered.
    forceCloseConnections: "idle",
    return503OnClosing: false,
    routerOptions: { maxParamLength: 2000 },
    // The contract's schemas are zod's: without JSON Schema compilers, Fastify loads a hundred files less.
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    // A URL that cannot be decoded reaches no route and no error handler.
    frameworkErrors: (_error, request, reply) =>
      refuse(
        new DomainError("MALFORMED_REQUEST"),
        request,
        withHeaders(request, reply).headers(rpcCors.headersOf(request.headers)),
      ),
  });
  const connections = followConnections(app.server, options.isDraining);
  app.addHook("preClose", (done) => {
    connections.closeWhenAnswered();
    done();
  });
  if (options.trustProxy !== false) {
    app.addHook("onRequest", (request, _reply, done) => {
      const { headers } = request.raw;
      const forwarded = headers["x-forwarded-for"];
      if (typeof forwarded === "string") headers["x-forwarded-for"] = plainForwardedFor(forwarded);
      done();
    });
  }
  const traceIdOf = options.traces ? traceRequests(app, options.traces) : () => null;
  app.addHook("onRequest", (request, reply, done) => {
    withHeaders(request, reply);
    if (isHostValid(request.raw)) done();
    else void refuse(new DomainError("MALFORMED_REQUEST"), request, reply);
  });
  // After the body has been read: earlier, an event of the socket would lose the call's context.
  app.addHook("preHandler", (_request, _reply, done) => withDatabaseLimit(options.databaseLimitMs, done));
  if (options.logRequests && log && levelsWithRequests.has(log.level))
    logRequests(app, {
      contract: options.contract,
      write: (text) => log.stream.write(text),
      atExit: log.atExit,
      traceIdOf,
    });
  const own = recordRoutes(app);
  app.setErrorHandler(answerFailure(options.renderPage));
  await app.register(healthRoutes(options));
  if (options.metrics) await app.register(metricsRoutes(options.metrics));
  await app.register(jwksRoutes(options.keyring));
  await app.register(cookie);
  await app.register(seenRequestRoutes(options));
  await app.register(rpcRoutes(options), { prefix: "/trpc" });
  await app.register(protectedResourceRoutes(options));
  await app.register(relatedOriginsRoutes(options));
  await app.register(async (pages) => {
    pages.addHook("onRequest", asPage(headers));
    await pages.register(options.authorizationServer.routes);
    const cookies = cookiesFor(options.publicUrl);
    await pages.register(relyingPartyRoutes({ ...options.relyingParty, cookies, sourceOf }));
    await pages.register(docsRoutes(options));
    if (options.devMail) await pages.register(devMailRoutes({ ...options.devMail, publicUrl: options.publicUrl }));
  });
  await app.register(async (open) => {
    open.addHook("onRequest", markCrossOrigin);
    await open.register(cors, anyOriginCors);
    await open.register(userinfoRoutes(options));
    await open.register(tokenRoutes({ ...options, answerClient: options.authorizationServer.answer }));
    await open.register(options.authorizationServer.registrationRoutes);
    // All of the server's own routes are registered now.
    assertAddressesDiffer({ operations: options.contract.operations, own, pages: await readPages(options.web) });
    await open.register(restRoutes(options));
  });
  await app.register(async (pages) => {
    pages.addHook("onRequest", asPage(headers));
    await pages.register(webRoutes(options.web));
  });
  return app;
};
