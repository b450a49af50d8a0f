// Owns the log of requests: one line for each answer. It names the route and the operations, never the URL, which may
// contain codes and tokens, and no header and no body.
//
// Pino would take a fifth of a call to compose such a line and to write it. So a line is composed here, in Pino's form, and
// lines are written together: soon, when the server closes, and when the process exits for another reason. Only a process
// that is killed loses those that wait.

import { hostname } from "node:os";
import { type AnyContract, operationsOf } from "@lockstep/kit";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { sourceOf } from "./request.ts";

export interface RequestLogOptions {
  readonly contract: AnyContract;
  /** Writes text to where the log goes. */
  readonly write: (text: string) => void;
  /** Calls back when the process exits. */
  readonly atExit?: ((flush: () => void) => void) | undefined;
  /** The ID of a request's trace. `null`: it is not traced. */
  readonly traceIdOf: (request: FastifyRequest) => string | null;
}

/** How long a line waits for others, and how many characters may wait: about 250 lines. */
const longestWaitMs = 50;
const maxWaitingLength = 65_536;

/** The beginning of every line: Pino's level `info`, and the process as Pino names it. */
const ofProcess = `,"pid":${process.pid},"hostname":${JSON.stringify(hostname())},"reqId":`;

/** Logs each answer at the level `info`. */
export const logRequests = (app: FastifyInstance, { contract, write, atExit, traceIdOf }: RequestLogOptions): void => {
  const known = new Map(
    [...operationsOf(contract.operations)].map(([path]) => [path, `,"operations":${JSON.stringify([path])}`]),
  );

  /** The operations that RPC was asked for. Names that are none are a caller's own text, and left out. */
  const operationsIn = ({ params }: FastifyRequest): string => {
    const { path = "" } = params as { readonly path?: string };
    return known.get(path) ?? `,"operations":${JSON.stringify(path.split(",").filter((name) => known.has(name)))}`;
  };

  let lines = "";
  let timer: NodeJS.Timeout | null = null;
  const flush = () => {
    if (timer) clearTimeout(timer);
    timer = null;
    const text = lines;
    lines = "";
    if (text !== "") write(text);
  };
  atExit?.(flush);

  /** @param route the path of the route. `null`: there is none */
  const loggerOf = (route: string | null) => {
    const ofRoute = `,"route":${JSON.stringify(route)}`;
    const isRpc = route === "/trpc/:path";
    return (request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
      const traceId = traceIdOf(request);
      const trace = traceId === null ? "" : `,"trace_id":"${traceId}"`;
      const operations = isRpc ? operationsIn(request) : "";
      const durationMs = Math.round(reply.elapsedTime * 1000) / 1000;
      const address = JSON.stringify(sourceOf(request).address);
      lines += `{"level":30,"time":${Date.now()}${ofProcess}"${request.id}"${trace},"method":"${request.method}"${ofRoute}${operations},"status":${reply.statusCode},"durationMs":${durationMs},"address":${address},"msg":"request"}\n`;
      if (lines.length > maxWaitingLength) flush();
      else timer ??= setTimeout(flush, longestWaitMs);
      done();
    };
  };

  // For each route, because asking a request for its route takes as long as a line.
  app.addHook("onRoute", (route) => {
    route.onResponse = [loggerOf(route.url), route.onResponse ?? []].flat();
  });
  const logUnknown = loggerOf(null);
  app.addHook("onResponse", (request, reply, done) => {
    if (request.is404) logUnknown(request, reply, done);
    else done();
  });
  app.addHook("onClose", (_app, done) => {
    flush();
    done();
  });
};
