// Owns what a load balancer asks: is the process up, and can it answer calls?

import type { FastifyInstance } from "fastify";
import type { Db } from "../db/database.ts";
import { isMigrated } from "../db/migrate.ts";

export const healthRoutes = (db: Db) => async (app: FastifyInstance) => {
  app.get("/healthz", async () => ({ status: "ok" }));

  app.get("/readyz", async (request, reply) => {
    const ready = await isMigrated(db).catch((error: unknown) => {
      request.log.error({ err: error }, "the database does not answer");
      return false;
    });
    return reply.code(ready ? 200 : 503).send({ status: ready ? "ready" : "not ready" });
  });
};
