// Owns the health checks for load balancers: whether the process runs, and whether it can answer calls.

import type { FastifyInstance } from "fastify";
import type { Db } from "../db/database.ts";
import { createReadiness } from "../db/readiness.ts";

export interface HealthOptions {
  readonly db: Db;
  /** How long the result of a database check is reused. */
  readonly readinessKeptMs: number;
  /** Whether the server is shutting down: it still answers calls, and the load balancer should send no more. */
  readonly isDraining: () => boolean;
}

export const healthRoutes =
  ({ db, readinessKeptMs: keptMs, isDraining }: HealthOptions) =>
  async (app: FastifyInstance) => {
    const lookAtDatabase = createReadiness({ db, keptMs });

    app.get("/healthz", async () => ({ status: "ok" }));

    app.get("/readyz", async (request, reply) => {
      reply.header("cache-control", "no-store");
      if (isDraining()) return reply.code(503).send({ status: "not ready", reason: "shutting down" });
      const fault = await lookAtDatabase();
      if (fault === null) return { status: "ready" };
      request.log.error({ err: fault.cause }, fault.reason);
      return reply.code(503).send({ status: "not ready", reason: fault.reason });
    });
  };
