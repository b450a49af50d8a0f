// Owns the public key set, for everybody who verifies our tokens (RFC 7517 §5).

import type { FastifyInstance } from "fastify";
import { DatabaseUnavailableError } from "../db/unavailable.ts";
import type { Keyring } from "../domain/tokens/keyring.ts";
import { allowAnyOrigin } from "./cross-origin.ts";

/** A minute: a new key is published five minutes before it signs, so no cache misses it. */
const cacheSeconds = 60;

export const jwksRoutes = (keyring: Keyring) => async (app: FastifyInstance) => {
  app.get("/jwks", { onRequest: allowAnyOrigin }, async (_request, reply) => {
    try {
      await keyring.ensureAll();
      // Another server may have added a key a moment ago that signs already, in place of a retired one.
      await keyring.learn();
    } catch (error) {
      // The known keys still verify while the database is down.
      if (!(error instanceof DatabaseUnavailableError)) throw error;
    }
    reply.header("cache-control", `public, max-age=${cacheSeconds}, stale-while-revalidate=${cacheSeconds}`);
    return reply.type("application/jwk-set+json").send(keyring.jwks());
  });
};
