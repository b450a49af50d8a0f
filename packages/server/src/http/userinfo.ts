// Owns `/userinfo`: the person's claims for a client with a grant (OpenID Connect Core §5.3). It accepts the access
// token of every other operation, and the same guard checks it.

import type { ErrorDetails } from "@lockstep/kit";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { refusalOf } from "../domain/kernel/domain-error.ts";
import { type Challenge, challengeFor } from "../domain/tokens/bearer.ts";
import type { Guard } from "../domain/tokens/guard.ts";
import { challengeHeader } from "./protected-resource.ts";
import { credentialOf } from "./request.ts";

const needsOpenid: Challenge = { scheme: "Bearer", parameters: { error: "insufficient_scope", scope: "openid" } };

const noToken: Challenge = { scheme: "Bearer", parameters: {} };

export const userinfoRoutes =
  ({ guard, publicUrl }: { guard: Guard; publicUrl: string }) =>
  async (app: FastifyInstance) => {
    app.removeAllContentTypeParsers();
    // A POST may contain a form. A token in it is ignored (RFC 6750 §2.2 is optional).
    app.addContentTypeParser("*", { parseAs: "string" }, (_request, _body, done) => done(null));

    app.route({
      method: ["GET", "POST"],
      url: "/userinfo",
      async handler(request: FastifyRequest, reply: FastifyReply) {
        reply.header("cache-control", "no-store");
        const principal = await guard.authenticate(credentialOf(request, publicUrl));
        if (principal.kind !== "thirdParty" || !principal.scopes.has("openid")) {
          return reply
            .code(403)
            .header("www-authenticate", challengeHeader(needsOpenid, publicUrl))
            .send({ error: "insufficient_scope", scope: "openid" });
        }
        const { user, scopes } = principal;
        return {
          sub: user.id,
          ...(scopes.has("profile") && { name: user.fullName, preferred_username: user.username }),
          ...(scopes.has("email") && user.email !== null && { email: user.email, email_verified: user.emailVerified }),
        };
      },
    });

    app.setErrorHandler((error: FastifyError, request, reply) => {
      const refusal = refusalOf(error);
      // RFC 6750 §3.1
      if (!refusal && error.statusCode !== undefined && error.statusCode < 500)
        return reply.code(error.statusCode).header("cache-control", "no-store").send({ error: "invalid_request" });
      if (!refusal || refusal.code === "UNAVAILABLE") throw error;
      const challenge = challengeFor(refusal) ?? noToken;
      const { nonce } = refusal.details as Partial<ErrorDetails<"DPOP_NONCE_NEEDED">>;
      return reply
        .code(refusal.code === "AMBIGUOUS_TOKEN" ? 400 : 401)
        .headers({
          "www-authenticate": challengeHeader(challenge, publicUrl),
          "x-request-id": request.id,
          ...(nonce !== undefined && { "dpop-nonce": nonce }),
        })
        .send({ error: challenge.parameters["error"] ?? "invalid_token" });
    });
  };
