// Owns the metadata of this API as a protected resource (RFC 9728): who issues its tokens, and its scopes. Every
// challenge names its URL.

import type { Brand } from "@lockstep/kit";
import type { FastifyInstance } from "fastify";
import { type Challenge, formatChallenge } from "../domain/tokens/bearer.ts";
import { proofAlgorithms } from "../domain/tokens/dpop.ts";
import type { Scopes } from "../domain/tokens/scopes.ts";
import { allowAnyOrigin } from "./cross-origin.ts";

const path = "/.well-known/oauth-protected-resource";

export const protectedResourceRoutes =
  ({ brand, publicUrl, scopes }: { brand: Brand; publicUrl: string; scopes: Pick<Scopes, "names"> }) =>
  async (app: FastifyInstance) => {
    const document = {
      resource: publicUrl,
      authorization_servers: [publicUrl],
      scopes_supported: scopes.names,
      bearer_methods_supported: ["header"],
      dpop_signing_alg_values_supported: proofAlgorithms,
      resource_name: brand.name,
      resource_documentation: `${publicUrl}/docs`,
    };
    app.get(path, { onRequest: allowAnyOrigin }, async (_request, reply) =>
      reply.header("cache-control", "public, max-age=60").send(document),
    );
  };

/** The header of a challenge, with the address of this document (RFC 9728 §5.1). */
export const challengeHeader = ({ scheme, parameters }: Challenge, publicUrl: string): string =>
  formatChallenge({ scheme, parameters: { ...parameters, resource_metadata: publicUrl + path } });
