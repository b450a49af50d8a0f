// Owns RPC over HTTP: Fastify to tRPC and back, and the same error shape for what never reaches a procedure.

import type { IncomingMessage } from "node:http";
import type { ErrorCode, RpcErrorShape } from "@lockstep/contract";
import { type FastifyTRPCPluginOptions, fastifyTRPCPlugin } from "@trpc/server/adapters/fastify";
import type { FastifyError, FastifyInstance, FastifyRequest } from "fastify";
import { type Credential, readCredential } from "../domain/bearer.ts";
import { DomainError } from "../domain/domain-error.ts";
import type { Guard } from "../domain/guard.ts";
import { createContext } from "../rpc/context.ts";
import { asDomainError, errorShape } from "../rpc/errors.ts";
import type { createAppRouter } from "../rpc/router.ts";

/** The most calls in one request. */
const maxBatchSize = 20;

export const rpcRoutes =
  ({ router, guard }: { router: ReturnType<typeof createAppRouter>; guard: Guard }) =>
  async (app: FastifyInstance) => {
    await app.register(fastifyTRPCPlugin, {
      trpcOptions: {
        router,
        maxBatchSize,
        createContext: ({ req }) => createContext(guard, { requestId: req.id, credential: credentialOf(req) }),
        responseMeta: ({ errors }) => ({
          headers: challengeHeader(errors.map((error) => errorShape(asDomainError(error), ""))),
        }),
        onError: ({ error, path, req }) => {
          if (asDomainError(error).code === "INTERNAL") {
            (req as unknown as FastifyRequest).log.error({ err: error.cause ?? error, path }, "a call failed");
          }
        },
      },
    } satisfies FastifyTRPCPluginOptions<ReturnType<typeof createAppRouter>> & { trpcOptions: unknown });

    // tRPC's plugin takes a body as Fastify decoded it, in which what is no UTF-8 was already replaced.
    app.removeContentTypeParser("application/json");
    app.addContentTypeParser(
      "application/json",
      { parseAs: "buffer" },
      async (_request: FastifyRequest, body: Buffer) => {
        try {
          return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
        } catch {
          throw new DomainError("MALFORMED_REQUEST");
        }
      },
    );

    app.setNotFoundHandler((request, reply) => {
      const shape = errorShape(new DomainError("OPERATION_NOT_FOUND"), request.id);
      return reply.code(shape.data.httpStatus).send({ error: shape });
    });

    app.setErrorHandler((error: FastifyError, request, reply) => {
      const refused =
        error instanceof DomainError ? error : (new DomainError(codeByStatus(error.statusCode)) as DomainError);
      if (refused.code === "INTERNAL") request.log.error({ err: error }, "a request failed");
      const shape = errorShape(refused, request.id);
      return reply.code(shape.data.httpStatus).send({ error: shape });
    });
  };

/** What the request carries to say who calls. */
export const credentialOf = ({ raw }: { raw: IncomingMessage }): Credential =>
  readCredential(headerValues(raw, "authorization"), /[?&]access_token=/i.test(raw.url ?? ""));

/** Every value of a header, as it was sent: Node itself drops a repeated `Authorization`. */
const headerValues = ({ rawHeaders }: IncomingMessage, name: string): string[] =>
  rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name);

/** RFC 9110 §11.6.1: a challenge for each way in which the calls of a request were refused. */
const challengeHeader = (shapes: readonly RpcErrorShape[]): Record<string, string> => {
  const challenges = new Set(shapes.flatMap(({ data }) => data.wwwAuthenticate ?? []));
  return challenges.size > 0 ? { "www-authenticate": [...challenges].join(", ") } : {};
};

const codeByStatus = (status = 500): ErrorCode => {
  if (status === 413) return "PAYLOAD_TOO_LARGE";
  if (status === 415) return "UNSUPPORTED_MEDIA_TYPE";
  return status < 500 ? "MALFORMED_REQUEST" : "INTERNAL";
};
