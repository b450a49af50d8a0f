// Owns the traces of requests: each request is a span, its calls are within it, and its log lines name the trace.

import type { FastifyInstance, FastifyRequest } from "fastify";
import type { TracedRequest, Traces } from "../traces.ts";

/** Load balancers and collectors ask for these all the time. */
const untraced: ReadonlySet<string | undefined> = new Set(["/healthz", "/readyz", "/metrics"]);

/**
 * What each entry of the log has besides its own. The trace of what runs now is looked up when something is logged: a logger for
 * each request would take longer than its spans.
 */
export const namedTrace = ({ currentTraceId }: Pick<Traces, "currentTraceId">) => ({
  mixin: (): object => {
    const id = currentTraceId();
    return id === null ? {} : { trace_id: id };
  },
});

/** Returns what tells the ID of a request's trace; `null`: it is not traced. */
export const traceRequests = (app: FastifyInstance, { beginRequest }: Pick<Traces, "beginRequest">) => {
  const traced = new WeakMap<FastifyRequest, TracedRequest>();

  app.addHook("onRequest", (request, reply, done) => {
    const { url } = request.routeOptions;
    if (untraced.has(url)) return done();
    const { traceparent } = request.headers;
    const span = beginRequest({
      method: request.method,
      route: url ?? null,
      traceparent: typeof traceparent === "string" ? traceparent : undefined,
    });
    traced.set(request, span);
    let ended = false;
    const end = (status: number | null) => {
      if (!ended) span.end(status);
      ended = true;
    };
    reply.raw.once("finish", () => end(reply.raw.statusCode));
    // Without an answer before: the client left.
    reply.raw.once("close", () => end(null));
    done();
  });

  // After the body has been read: earlier, an event of the socket would lose the context.
  app.addHook("preHandler", (request, _reply, done) => {
    const span = traced.get(request);
    if (span) span.within(done);
    else done();
  });

  return (request: FastifyRequest): string | null => traced.get(request)?.traceId ?? null;
};
