// Owns how a third-party client gets access to a user's account, refreshes and revokes it: the authorization code flow
// with PKCE. `device-authorization.ts` owns the device flow. `oauth4webapi` checks the messages of the protocol. A
// separate entry, because first-party clients need none of it.

import type { identityScopes } from "@lockstep/kit";
import * as oauth from "oauth4webapi";
import { AuthorizationError } from "./authorization-error.ts";
import { createAuthorizationServer } from "./authorization-server.ts";
import type { Authorization } from "./client.ts";
import { type DeviceAuthorization, requestDeviceAuthorization } from "./device-authorization.ts";
import { createRedeemGrant, type Grant, issuedTokens } from "./grant.ts";
import { sleep as sleepWithTimer } from "./sleep.ts";
import { memoryTokens, type TokenStore, turnsAt, watchable } from "./tokens.ts";

export { AuthorizationError } from "./authorization-error.ts";
export type { DeviceAuthorization } from "./device-authorization.ts";
export type { Grant } from "./grant.ts";
export type { IssuedTokens, Slot, TokenStore, Tokens } from "./tokens.ts";

/** The options of `createAuthorization`. */
export interface AuthorizationOptions<G extends string> {
  /** The issuer identifier of the authorization server (RFC 8414 §2): its URL. Plain http only on this machine. */
  readonly issuer: string | URL;
  readonly clientId: string;
  /** For clients on a server. A client that users download or open in a browser cannot keep a secret. */
  readonly clientSecret?: string;
  /**
   * The requested scopes, which decide what the client may call. `offline_access` adds a refresh token; `openid` adds
   * the user's identity.
   */
  readonly scopes: readonly G[];
  /** Where tokens are stored. Default: in memory. */
  readonly tokens?: TokenStore;
  /** Replaces the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
  /** Epoch milliseconds. Replaces the machine's clock in tests. */
  readonly now?: () => number;
  /** Waits, and rejects when the signal is aborted. Replaces the timer in tests. */
  readonly sleep?: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
}

/** The options of `authorize`. */
export interface AuthorizeOptions {
  /** The URI that the user returns to: one of the client's registered redirect URIs. */
  readonly redirectUri: string;
  /** The maximum age of the user's sign-in, in seconds. If it is older, the server asks them to sign in again. */
  readonly maxAgeSeconds?: number;
  /** The username or e-mail address of the expected user. */
  readonly loginHint?: string;
}

/**
 * The state of a request, to be stored as JSON while the user is at the authorization server. Store it where only this
 * browser or this process can read it: `redeem` uses it to check that an answer belongs to this request.
 */
export interface PendingAuthorization {
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  readonly maxAgeSeconds?: number;
}

/** A third-party client's access to one user's account. */
export interface PersonalAuthorization<in S> extends Authorization<S> {
  /**
   * Starts the authorization code flow: send the user to `url`, and store `pending` for `redeem`.
   * @throws AuthorizationError `unreachable`, `invalid_response`
   */
  readonly authorize: (options: AuthorizeOptions) => Promise<{ url: string; pending: PendingAuthorization }>;
  /**
   * Completes the flow with the full URL that the user returned to, and stores the tokens.
   * @throws AuthorizationError the server's code, such as `access_denied`; `invalid_response` for an answer to another
   * request or from another server, or with an ID token that was not issued by this server for this request
   */
  readonly redeem: (callbackUrl: string | URL, pending: PendingAuthorization) => Promise<Grant>;
  /** Starts the device flow: show the code, then await `redeem` of the result. */
  readonly authorizeDevice: () => Promise<DeviceAuthorization>;
  /**
   * Revokes the access and removes the tokens. Keeps the tokens when the server cannot be reached, so that the call can
   * be repeated. @see RFC 7009
   */
  readonly revoke: () => Promise<void>;
}

/**
 * Creates a third-party client's access to a user's account. Pass it to `createClient`: the client may then call what
 * `scopes` allow, and nothing else compiles.
 *
 * Discovers the authorization server by `issuer`, with the first request, and refuses a server with another issuer.
 *
 * @throws TypeError when `issuer` is neither https nor on this machine
 *
 * @example
 * ```ts
 * const authorization = createAuthorization({ issuer: url, clientId, scopes: ["openid", "profile:read"] });
 * const client = createClient<typeof contract, ScopesOf<typeof authorization>>({ url, authorization });
 *
 * const { url: address, pending } = await authorization.authorize({ redirectUri }); // store `pending`, go to `address`
 * await authorization.redeem(location.href, pending); // when the user is back
 * await client.user.me.query();
 * ```
 */
export const createAuthorization = <const G extends string>(
  options: AuthorizationOptions<G>,
): PersonalAuthorization<Exclude<G, keyof typeof identityScopes>> => {
  const { clientId, now = Date.now, sleep = sleepWithTimer } = options;
  const server = createAuthorizationServer({
    issuer: options.issuer,
    clientId,
    clientSecret: options.clientSecret,
    fetch: options.fetch ?? ((...call) => globalThis.fetch(...call)),
  });
  const tokens = watchable(options.tokens ?? memoryTokens());
  const askedScopes: readonly string[] = options.scopes;
  const scope = askedScopes.join(" ");
  const asksIdentity = askedScopes.includes("openid");
  const redeemGrant = createRedeemGrant({ server, tokens, askedScopes, now });

  return {
    tokens,

    allows: async (name) => (await tokens.get())?.scopes?.includes(name) ?? false,

    async authorize({ redirectUri, maxAgeSeconds, loginHint }) {
      const pending: PendingAuthorization = {
        redirectUri,
        state: oauth.generateRandomState(),
        nonce: oauth.generateRandomNonce(),
        codeVerifier: oauth.generateRandomCodeVerifier(),
        ...(maxAgeSeconds !== undefined && { maxAgeSeconds }),
      };
      const url = await server.exchange(async ({ metadata }) => server.openable(metadata.authorization_endpoint));
      const parameters = {
        client_id: clientId,
        response_type: "code",
        redirect_uri: redirectUri,
        scope,
        state: pending.state,
        code_challenge: await oauth.calculatePKCECodeChallenge(pending.codeVerifier),
        code_challenge_method: "S256",
        nonce: asksIdentity ? pending.nonce : undefined,
        max_age: maxAgeSeconds?.toString(),
        login_hint: loginHint,
      };
      for (const [name, value] of Object.entries(parameters)) {
        if (value !== undefined) url.searchParams.set(name, value);
      }
      return { url: url.href, pending };
    },

    redeem(callbackUrl, { redirectUri, state, nonce, codeVerifier, maxAgeSeconds }) {
      const callback = new URL(callbackUrl);
      return redeemGrant(async ({ metadata, client, clientAuthentication, http }) => {
        // Checks `iss` (RFC 9207) and `state` before it reads an error.
        const answer = oauth.validateAuthResponse(metadata, client(), callback, state);
        const response = await oauth.authorizationCodeGrantRequest(
          metadata,
          client(),
          clientAuthentication,
          answer,
          redirectUri,
          codeVerifier,
          http,
        );
        const result = await oauth.processAuthorizationCodeResponse(metadata, client(), response, {
          requireIdToken: asksIdentity,
          ...(asksIdentity && { expectedNonce: nonce }),
          ...(maxAgeSeconds !== undefined && { maxAge: maxAgeSeconds }),
        });
        return { response, result };
      });
    },

    authorizeDevice: () => requestDeviceAuthorization({ server, scope, redeemGrant, now, sleep }),

    async refresh({ refreshToken, sessionId, scopes = askedScopes }) {
      if (refreshToken === undefined) return null;
      try {
        const result = await server.exchange(async ({ metadata, client, clientAuthentication, http }) =>
          oauth.processRefreshTokenResponse(
            metadata,
            client(),
            await oauth.refreshTokenGrantRequest(metadata, client(), clientAuthentication, refreshToken, http),
          ),
        );
        // RFC 6749 §6: an answer without a refresh token leaves the old one valid.
        return { ...issuedTokens(result, scopes), refreshToken: result.refresh_token ?? refreshToken, sessionId };
      } catch (error) {
        if (error instanceof AuthorizationError && error.code === "invalid_grant") return null;
        throw error;
      }
    },

    revoke: () =>
      turnsAt(tokens)(async () => {
        const current = await tokens.get();
        if (!current) return;
        // Revoking the refresh token also revokes the access tokens (RFC 7009 §2.1).
        const [token, hint] = current.refreshToken
          ? [current.refreshToken, "refresh_token"]
          : [current.accessToken, "access_token"];
        await server.exchange(async ({ metadata, client, clientAuthentication, http }) =>
          oauth.processRevocationResponse(
            await oauth.revocationRequest(metadata, client(), clientAuthentication, token, {
              ...http,
              additionalParameters: { token_type_hint: hint },
            }),
          ),
        );
        await tokens.set(null);
      }),
  };
};
