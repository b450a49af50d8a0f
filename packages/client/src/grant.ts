// Owns redeeming a grant for tokens: the checks before it, and what is stored.

import * as oauth from "oauth4webapi";
import { AuthorizationError } from "./authorization-error.ts";
import type { AuthorizationServer, Exchange } from "./authorization-server.ts";
import { type IssuedTokens, type TokenStore, tokensOf, turnsAt } from "./tokens.ts";

/** What the user granted. */
export interface Grant {
  /**
   * The user's ID at this issuer. Issuer and subject together identify an account. `null` unless `openid` was
   * requested.
   */
  readonly subject: string | null;
  readonly scopes: readonly string[];
}

export interface TokenResponse {
  readonly response: Response;
  readonly result: oauth.TokenEndpointResponse;
}

/** Redeems a code at the token endpoint and stores the tokens. */
export type RedeemGrant = (exchange: Exchange<TokenResponse>) => Promise<Grant>;

export interface GrantOptions {
  readonly server: AuthorizationServer;
  readonly tokens: TokenStore;
  readonly askedScopes: readonly string[];
  readonly now: () => number;
}

export const createRedeemGrant =
  ({ server, tokens, askedScopes, now }: GrantOptions): RedeemGrant =>
  (exchange) =>
    turnsAt(tokens)(async () => {
      const askedAt = now();
      const { result, claims } = await server.exchange(async (parameters) => {
        const { response, result } = await exchange(parameters);
        if (result.token_type !== "bearer") {
          throw new AuthorizationError("invalid_response", "The server issued a token of another type");
        }
        const claims = oauth.getValidatedIdTokenClaims(result);
        // OpenID Connect Core §3.1.3.7 allows TLS in place of this check.
        if (claims) await oauth.validateApplicationLevelSignature(parameters.metadata, response, parameters.http);
        return { result, claims };
      });
      const issued = issuedTokens(result, askedScopes);
      await tokens.set(tokensOf({ ...issued, sessionId: oauth.generateRandomState() }, askedAt));
      return { subject: claims?.sub ?? null, scopes: issued.scopes };
    });

/**
 * The tokens in an answer of the token endpoint.
 * @param scopes the requested scopes, which the server may leave out of its answer (RFC 6749 §5.1)
 */
export const issuedTokens = (result: oauth.TokenEndpointResponse, scopes: readonly string[]) =>
  ({
    accessToken: result.access_token,
    expiresIn: result.expires_in,
    refreshToken: result.refresh_token,
    scopes: result.scope?.split(" ") ?? scopes,
  }) satisfies IssuedTokens;
