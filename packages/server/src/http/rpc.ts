// Owns RPC over HTTP: from Fastify to tRPC and back, with the same error shape for requests that reach no procedure.

import cors from "@fastify/cors";
import { type AnyContract, type EngineErrorCode, type ErrorDetails, operationsOf } from "@lockstep/kit";
import type { AnyTRPCRouter } from "@trpc/server";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { limitEachWait } from "../db/time-limit.ts";
import { DomainError, type RefusedError, refusalOf } from "../domain/kernel/domain-error.ts";
import { challengeFor } from "../domain/tokens/bearer.ts";
import type { Guard } from "../domain/tokens/guard.ts";
import { errorShape, refusalFrom } from "../rpc/errors.ts";
import { cookiesFor } from "./cookies.ts";
import { rpcCorsFor } from "./cross-origin.ts";
import { challengeHeader } from "./protected-resource.ts";
import { contextOf, takeBodies } from "./request.ts";
import { directRequestHandler } from "./trpc-direct/request-handler.ts";

/** RFC 6749 §5.1 for tokens. Other answers are personal, too. */
const noStore = { "cache-control": "no-store" };

/** A proxy that compresses a stream would delay its events. */
const noStoreStream = { "cache-control": "no-store, no-transform" };

/** The most calls in one request. */
const maxBatchSize = 20;

/** The operations and their procedures. */
export interface RpcOptions {
  readonly contract: AnyContract;
  readonly router: AnyTRPCRouter;
  readonly guard: Guard;
  readonly publicUrl: string;
}

export interface RpcRoutesOptions extends RpcOptions {
  /** Origins whose pages may call, besides that of `publicUrl`. */
  readonly allowedOrigins: readonly string[];
}

export const rpcRoutes =
  ({ contract, router, guard, publicUrl, allowedOrigins }: RpcRoutesOptions) =>
  async (app: FastifyInstance) => {
    /** Operations that take a password or a token. */
    const credentialPaths = new Set(
      [...operationsOf(contract.operations)].filter(([, { credential }]) => credential).map(([path]) => path),
    );
    const cookies = cookiesFor(publicUrl, allowedOrigins);
    const answersOthers = allowedOrigins.length > 0;
    if (answersOthers) {
      const { mark, options } = rpcCorsFor(allowedOrigins);
      app.addHook("onRequest", mark);
      await app.register(cors, { delegator: options });
    }
    // tRPC sets its own `Vary`, which would replace that of CORS.
    const vary = answersOthers && { vary: "trpc-accept, accept, origin" };
    app.removeAllContentTypeParsers();
    takeBodies(app, "application/json", (text) => text);

    // tRPC's own adapter sends `keep-alive` with a stream, even when the client or a shutdown ends the connection.
    app.addHook("onSend", (_request, _reply, payload, done) => {
      if (payload instanceof Response) payload.headers.delete("connection");
      done(null, payload);
    });

    app.all<{ Params: { path: string } }>("/:path", (request, reply) => {
      // The Fetch standard's `Request` cannot have this method, so tRPC cannot refuse it.
      if (request.method === "TRACE") throw new DomainError("METHOD_NOT_ALLOWED");
      return directRequestHandler({
        req: request,
        res: reply.headers(noStore),
        path: request.params.path,
        router,
        maxBatchSize,
        createContext: ({ info }) => {
          if (info.type === "subscription") limitEachWait();
          const credentialCalls = info.calls.filter(({ path }) => credentialPaths.has(path)).length;
          return contextOf({ guard, cookies, publicUrl }, request, reply, {
            credentialCalls,
            streamed: info.accept !== null, // `httpBatchStreamLink`
          });
        },
        // tRPC sets its own headers on a stream, which would replace the reply's.
        responseMeta: ({ errors, type }) =>
          errors.length === 0 && type !== "subscription"
            ? { ...(vary && { headers: vary }) }
            : {
                headers: {
                  ...vary,
                  ...(type === "subscription" ? noStoreStream : noStore),
                  ...refusalHeaders(errors.map(refusalFrom), publicUrl),
                },
              },
        onError: ({ error, path }) => {
          const { code } = refusalFrom(error);
          if (code === "INTERNAL") request.log.error({ err: error.cause ?? error, path }, "a call failed");
          if (code === "UNAVAILABLE")
            request.log.warn({ err: error.cause ?? error, path }, "a call could not be served");
        },
      });
    });

    app.setNotFoundHandler((request, reply) => refuse(new DomainError("OPERATION_NOT_FOUND"), request, reply));

    app.setErrorHandler((error: FastifyError, request, reply) => {
      const refusal = refusalOf(error);
      if (refusal) return refuse(refusal, request, reply);
      const code = codeByStatus(error.statusCode);
      if (code === "INTERNAL") request.log.error({ err: error }, "a request failed");
      return refuse(new DomainError(code), request, reply);
    });
  };

/** Answers a request that reached no procedure in the shape of those that did. */
export const refuse = (error: RefusedError, request: FastifyRequest, reply: FastifyReply) => {
  const shape = errorShape(error, request.id);
  const wait = waitSecondsOf(error);
  if (wait !== null) reply.header("retry-after", wait);
  return reply.code(shape.data.httpStatus).send({ error: shape });
};

/** A challenge for each reason why calls were refused (RFC 9110 §11.6.1), the longest wait (§10.2.3), and a nonce. */
export const refusalHeaders = (refusals: readonly RefusedError[], publicUrl: string): Record<string, string> => {
  const challenges = new Set(
    refusals.flatMap((refusal) => {
      const challenge = challengeFor(refusal);
      return challenge === null ? [] : challengeHeader(challenge, publicUrl);
    }),
  );
  const waits = refusals.flatMap((refusal) => waitSecondsOf(refusal) ?? []);
  const [nonce] = refusals.flatMap((refusal) => nonceOf(refusal) ?? []);
  return {
    ...(nonce !== undefined && { "dpop-nonce": nonce }), // RFC 9449 §9
    ...(challenges.size > 0 && { "www-authenticate": [...challenges].join(", ") }),
    ...(waits.length > 0 && { "retry-after": String(Math.max(...waits)) }),
  };
};

/** How long the caller is asked to wait. An app's own errors may have `retryAfterSeconds` too, of any type. */
const waitSecondsOf = ({ details }: RefusedError): number | null => {
  const { retryAfterSeconds } = details as { readonly retryAfterSeconds?: unknown };
  return typeof retryAfterSeconds === "number" && retryAfterSeconds >= 0 ? Math.ceil(retryAfterSeconds) : null;
};

/** Only of this error: an app's own may have a `nonce` of any text. */
const nonceOf = ({ code, details }: RefusedError): string | null =>
  code === ("DPOP_NONCE_NEEDED" satisfies EngineErrorCode)
    ? (details as ErrorDetails<"DPOP_NONCE_NEEDED">).nonce
    : null;

/** The contract's code for an error of Fastify. */
export const codeByStatus = (status = 500): EngineErrorCode => {
  if (status === 413) return "PAYLOAD_TOO_LARGE";
  if (status === 415) return "UNSUPPORTED_MEDIA_TYPE";
  return status < 500 ? "MALFORMED_REQUEST" : "INTERNAL";
};
