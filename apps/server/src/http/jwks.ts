// Owns the public half of the key ring, for whoever verifies our tokens (RFC 7517 §5).

import type { FastifyInstance } from "fastify";
import type { Keyring } from "../domain/keyring.ts";

/** A minute: a new key is published five before it signs, so no cache misses it. */
const cacheSeconds = 60;

export const jwksRoutes = (keyring: Keyring) => async (app: FastifyInstance) => {
  app.get("/jwks", async (_request, reply) => {
    await keyring.ensureAll();
    reply.header("cache-control", `public, max-age=${cacheSeconds}, stale-while-revalidate=${cacheSeconds}`);
    reply.header("access-control-allow-origin", "*");
    return reply.type("application/jwk-set+json").send(keyring.jwks());
  });
};
