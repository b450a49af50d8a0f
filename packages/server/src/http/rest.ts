// Owns REST: the operations that declare a method and a path, answered by the procedure that RPC calls. Refusals are
// problem details (RFC 9457).

import { type Operation, operationsOf } from "@lockstep/kit";
import { callTRPCProcedure, getTRPCErrorFromUnknown } from "@trpc/server";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { DomainError, RefusedError } from "../domain/kernel/domain-error.ts";
import { errorShape, refusalFrom } from "../rpc/errors.ts";
import { cookiesFor } from "./cookies.ts";
import { contextOf, takeBodies } from "./request.ts";
import { codeByStatus, type RpcOptions, refusalHeaders } from "./rpc.ts";
import { readTextOf } from "./text-input.ts";

const methods = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;

export const restRoutes =
  ({ contract, router, guard, publicUrl }: RpcOptions) =>
  async (app: FastifyInstance) => {
    const cookies = cookiesFor(publicUrl);
    app.removeAllContentTypeParsers();
    takeBodies(app, "application/json", parseJson);

    const allowed = new Map<string, string[]>();
    for (const [path, operation] of operationsOf(contract.operations)) {
      const { rest } = operation;
      if (!rest) continue;
      const url = rest.path.replaceAll(/\{(\w+)\}/g, ":$1");
      const readText = readTextOf(operation.input);
      allowed.set(url, [...(allowed.get(url) ?? []), rest.method]);
      app.route({
        method: rest.method,
        url,
        async handler(request, reply) {
          reply.header("cache-control", "no-store");
          return await callTRPCProcedure({
            router,
            path,
            type: operation.kind,
            ctx: contextOf({ guard, cookies, publicUrl }, request, reply, {
              credentialCalls: operation.credential ? 1 : 0,
              streamed: false,
            }),
            getRawInput: async () => inputOf(operation, request, readText),
            signal: undefined,
            batchIndex: 0,
          });
        },
      });
    }
    for (const [url, methodsOfPath] of allowed) {
      app.route({
        method: methods.filter((method) => !methodsOfPath.includes(method)),
        url,
        handler: (request, reply) => {
          reply.header(
            "allow",
            [...methodsOfPath, ...(methodsOfPath.includes("GET") ? ["HEAD"] : []), "OPTIONS"].join(", "),
          );
          return refuse(new DomainError("METHOD_NOT_ALLOWED"), request, reply, publicUrl);
        },
      });
    }

    app.setErrorHandler((error: FastifyError, request, reply) =>
      refuse(refusalOf(error), request, reply, publicUrl, error),
    );
  };

/** The input of an operation: the path's parameters, with the query of a read or the body of a change. */
const inputOf = (
  { rest, input }: Operation,
  request: FastifyRequest,
  readText: ReturnType<typeof readTextOf>,
): unknown => {
  const isRead = rest?.method === "GET" || rest?.method === "DELETE";
  // Ignore unknown query parameters: links collect them.
  if (isRead && input instanceof z.ZodVoid) return undefined;
  const sent = isRead ? request.query : request.body;
  if (sent !== undefined && (typeof sent !== "object" || sent === null || Array.isArray(sent))) return sent;
  const params = request.params as Record<string, string>;
  const given = isRead ? readText({ ...sent, ...params }) : { ...sent, ...readText(params) };
  return sent === undefined && Object.keys(given).length === 0 ? undefined : given;
};

const parseJson = (text: string): unknown => {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new DomainError("MALFORMED_REQUEST");
  }
};

const refusalOf = (error: FastifyError | RefusedError): RefusedError => {
  if (error instanceof RefusedError) return error;
  if (error.statusCode !== undefined && error.statusCode < 500) return new DomainError(codeByStatus(error.statusCode));
  return refusalFrom(getTRPCErrorFromUnknown(error));
};

const refuse = (
  refusal: RefusedError,
  request: FastifyRequest,
  reply: FastifyReply,
  publicUrl: string,
  cause?: unknown,
) => {
  const shape = errorShape(refusal, request.id);
  const { code, details, httpStatus, requestId } = shape.data;
  const route = `${request.method} ${request.routeOptions.url}`;
  if (code === "INTERNAL") request.log.error({ err: cause, route }, "a call failed");
  if (code === "UNAVAILABLE") request.log.warn({ err: cause, route }, "a call could not be served");
  return reply
    .code(httpStatus)
    .headers(refusalHeaders([refusal], publicUrl))
    .type("application/problem+json")
    .send({ type: "about:blank", title: shape.message, status: httpStatus, code, ...(details as object), requestId });
};
