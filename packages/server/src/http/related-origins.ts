// Owns `/.well-known/webauthn`: other origins whose pages may use the passkeys of this one. Browsers read it before they
// let them. @see WebAuthn Level 3 §5.11

import type { FastifyInstance } from "fastify";

export const relatedOriginsRoutes =
  ({ relatedOrigins }: { relatedOrigins: readonly string[] }) =>
  async (app: FastifyInstance) => {
    if (relatedOrigins.length === 0) return;
    app.get("/.well-known/webauthn", async (_request, reply) =>
      reply.header("cache-control", "public, max-age=60").send({ origins: relatedOrigins }),
    );
  };
