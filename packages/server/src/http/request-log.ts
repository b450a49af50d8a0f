// Owns the log of requests: one line for each answer. It names the route and the operations, never the URL, which may
// contain codes and tokens, and no header and no body.
//
// Pino would take a tenth of a call to compose such a line and to write it. So a line is composed here, in Pino's form, and
// the lines of one turn of the event loop are written together.

import { hostname } from "node:os";
import { type AnyContract, operationsOf } from "@lockstep/kit";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

export interface RequestLogOptions {
  readonly contract: AnyContract;
  /** Writes text to where the log goes. */
  readonly write: (text: string) => void;
  /** The ID of a request's trace. `null`: it is not traced. */
  readonly traceIdOf: (request: FastifyRequest) => string | null;
}

/** The beginning of every line: Pino's level `info`, and the process as Pino names it. */
const ofProcess = `,"pid":${process.pid},"hostname":${JSON.stringify(hostname())},"reqId":`;

/** Logs each answer at the level `info`. */
export const logRequests = (app: FastifyInstance, { contract, write, traceIdOf }: RequestLogOptions): void => {
  const known = new Map(
    [...operationsOf(contract.operations)].map(([path]) => [path, `,"operations":${JSON.stringify([path])}`]),
  );

  /** The operations that RPC was asked for. Names that are none are a caller's own text, and left out. */
  const operationsIn = ({ params }: FastifyRequest): string => {
    const { path = "" } = params as { readonly path?: string };
    return known.get(path) ?? `,"operations":${JSON.stringify(path.split(",").filter((name) => known.has(name)))}`;
  };

  const lineOf = (request: FastifyRequest, reply: FastifyReply): string => {
    const { url = null } = request.routeOptions;
    const traceId = traceIdOf(request);
    return `{"level":30,"time":${Date.now()}${ofProcess}"${request.id}"${traceId === null ? "" : `,"trace_id":"${traceId}"`},"method":"${request.method}","route":${JSON.stringify(url)}${url === "/trpc/:path" ? operationsIn(request) : ""},"status":${reply.statusCode},"durationMs":${Math.round(reply.elapsedTime * 1000) / 1000},"address":${JSON.stringify(request.ip)},"msg":"request"}\n`;
  };

  let lines = "";
  const flush = () => {
    const text = lines;
    lines = "";
    if (text !== "") write(text);
  };

  app.addHook("onResponse", (request, reply, done) => {
    if (lines === "") setImmediate(flush);
    lines += lineOf(request, reply);
    done();
  });
  app.addHook("onClose", (_app, done) => {
    flush();
    done();
  });
};
