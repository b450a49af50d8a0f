// Owns who reads the metrics: whoever knows the token, or this machine at a port of its own. What they are: `metrics.ts`
// of the server.

import { createHash, timingSafeEqual } from "node:crypto";
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { Metrics } from "../metrics.ts";
import { StartError } from "../start-error.ts";

export interface MetricsSettings {
  /** `null`: without one. Then they have a port of their own, on the loopback interface. */
  readonly token: string | null;
  /** `null`: at `/metrics` of the server. */
  readonly listen: { readonly host: string; readonly port: number } | null;
}

export interface MetricsOptions {
  readonly metrics: Metrics;
  readonly token: string | null;
}

export const metricsRoutes =
  ({ metrics, token }: MetricsOptions) =>
  async (app: FastifyInstance) => {
    const digest = (text: string) => createHash("sha256").update(text).digest();
    const expected = token === null ? null : digest(token);
    const isAllowed = ({ headers: { authorization = "" } }: FastifyRequest) =>
      expected === null || timingSafeEqual(digest(authorization.replace(/^Bearer +/i, "")), expected);

    app.get("/metrics", async (request: FastifyRequest, reply: FastifyReply) => {
      reply.header("cache-control", "no-store");
      if (!isAllowed(request))
        return reply.code(401).header("www-authenticate", "Bearer").type("text/plain").send("A token is needed\n");
      return reply.type(metrics.contentType).send(await metrics.print());
    });
  };

/** A server with the metrics alone. */
export const createMetricsApp = async (options: MetricsOptions): Promise<FastifyInstance> => {
  const app = Fastify();
  await app.register(metricsRoutes(options));
  return app;
};

/** @throws StartError when the port is in use */
export const listenForMetrics = async (
  app: FastifyInstance,
  listen: NonNullable<MetricsSettings["listen"]>,
): Promise<void> => {
  await app.listen(listen).catch((error: NodeJS.ErrnoException) => {
    throw new StartError(
      `METRICS_PORT: ${listen.host}:${listen.port} cannot be used (${error.code ?? error.message}). Choose another port.`,
    );
  });
};
