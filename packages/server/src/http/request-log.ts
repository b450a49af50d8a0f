// Owns the log of requests: one line for each answer. It names the route and the operations, never the URL, which may
// contain codes and tokens, and no header and no body.

import { type AnyContract, operationsOf } from "@lockstep/kit";
import type { FastifyInstance, FastifyRequest } from "fastify";

/** Logs each answer at the level `info`. */
export const logRequests = (app: FastifyInstance, contract: AnyContract): void => {
  const known: ReadonlySet<string> = new Set([...operationsOf(contract.operations)].map(([path]) => path));

  /** The operations that RPC was asked for. Names that are none are a caller's own text, and left out. */
  const operationsIn = ({ params, routeOptions: { url } }: FastifyRequest): readonly string[] | undefined => {
    if (url !== "/trpc/:path") return undefined;
    const { path = "" } = params as { readonly path?: string };
    return path.split(",").filter((name) => known.has(name));
  };

  app.addHook("onResponse", (request, reply, done) => {
    request.log.info(
      {
        method: request.method,
        route: request.routeOptions.url ?? null,
        operations: operationsIn(request),
        status: reply.statusCode,
        durationMs: Math.round(reply.elapsedTime * 1000) / 1000,
        address: request.ip,
      },
      "request",
    );
    done();
  });
};
