// Owns the relying party's half for clients of somebody else: how one asks a person for access, keeps what it
// was granted, and gives it back. What the protocol demands of each message is checked by `oauth4webapi`; which calls
// the granted scopes allow follows from the contract. Kept apart from the main entry, which our own apps carry.

import type { identityScopes } from "@lockstep/kit";
import * as oauth from "oauth4webapi";
import type { Authorization } from "./client.ts";
import { withDeadline } from "./deadline.ts";
import { memoryTokens, type TokenStore, tokensOf, turnsAt, watchable } from "./tokens.ts";

/** What an authorization is made from. */
export interface AuthorizationOptions<G extends string> {
  /** The server's issuer identifier (RFC 8414 §2): its own address. Plain http is for this machine alone. */
  readonly issuer: string | URL;
  readonly clientId: string;
  /** Of a client that runs on a server. What people download or open in a browser keeps no secret. */
  readonly clientSecret?: string;
  /**
   * What to ask for. What the client may call follows from it. With `offline_access` the access lasts while nobody
   * signs in again; with `openid` it is told who the person is.
   */
  readonly scopes: readonly G[];
  /** Where tokens are kept. Memory unless given. */
  readonly tokens?: TokenStore;
  /** Replaces the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
  /** Epoch milliseconds, in the place of the machine's clock: for tests. */
  readonly now?: () => number;
  /** Waits, in the place of a timer, and rejects when the signal ends the wait: for tests. */
  readonly sleep?: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
}

/** How a person is sent to the server. */
export interface AuthorizeOptions {
  /** Where they are sent back to: one of those that the client registered. */
  readonly redirectUri: string;
  /** How long ago they may have proved who they are, in seconds. */
  readonly maxAgeSeconds?: number;
  /** Whom the client believes it is dealing with. */
  readonly loginHint?: string;
}

/**
 * What a client keeps, as JSON, while a person is at the server, where only this browser or this process can
 * read it: it is how `redeem` knows that an answer belongs to this request.
 */
export interface PendingAuthorization {
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  readonly maxAgeSeconds?: number;
}

/** What a person granted. */
export interface Grant {
  /** Who they are, for this server: with its issuer, what names an account. `null` unless `openid` was asked for. */
  readonly subject: string | null;
  readonly scopes: readonly string[];
}

/** A device that waits for a person, who answers on another one. @see RFC 8628 §3.2 */
export interface DeviceAuthorization {
  /** What the person types at `verificationUri`. */
  readonly userCode: string;
  readonly verificationUri: string;
  /** The same address with the code in it, for a link or a QR code. The person still compares the code. */
  readonly verificationUriComplete: string | null;
  /** Epoch milliseconds by this machine's clock. */
  readonly expiresAt: number;
  /**
   * Waits for the person's answer, as often as the server allows. Once.
   * @throws AuthorizationError `access_denied`, `expired_token`
   */
  readonly redeem: (options?: { readonly signal?: AbortSignal }) => Promise<Grant>;
}

/** What a client does about its access to a person's account. */
export interface PersonalAuthorization<in S> extends Authorization<S> {
  /**
   * Begins: send the person to `url`, and keep `pending` for `redeem`.
   * @throws AuthorizationError `unreachable`, `invalid_response`
   */
  readonly authorize: (options: AuthorizeOptions) => Promise<{ url: string; pending: PendingAuthorization }>;
  /**
   * Ends what `authorize` began, with the whole address that the person came back to. Keeps the tokens.
   * @throws AuthorizationError what the server said, such as `access_denied`; `invalid_response` for an answer to
   * another request, from another server, or with an ID token that is not this server's for this request
   */
  readonly redeem: (callbackUrl: string | URL, pending: PendingAuthorization) => Promise<Grant>;
  /** Begins without a browser: show the code, then wait with `redeem`. */
  readonly authorizeDevice: () => Promise<DeviceAuthorization>;
  /**
   * Gives the access back and forgets the tokens. When the server could not be told, they are kept, so that it can be
   * tried again. @see RFC 7009
   */
  readonly revoke: () => Promise<void>;
}

/** Why there is no access, or no longer. */
export class AuthorizationError extends Error {
  override readonly name = "AuthorizationError";
  /** In the server's words (RFC 6749 §4.1.2.1, §5.2, RFC 8628 §3.5), or ours: it did not answer, or not as it must. */
  readonly code: "unreachable" | "invalid_response" | "access_denied" | "expired_token" | (string & {});

  constructor(code: AuthorizationError["code"], message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** How often a device asks unless the server says otherwise, and how much less often when it is told to slow down. */
const pollSeconds = 5;

/** A server that cannot be reached is asked less and less often, but that often. */
const longestBackoffSeconds = 30;

/** How far off the clocks may be when the times of an ID token are looked at. */
const clockToleranceSeconds = 300;

/**
 * A client's access to somebody's account: authorization code with PKCE, or device code, and refresh.
 * Give it to `createClient`, whose calls are then those that `scopes` allow: what is asked for and what compiles are
 * one list.
 *
 * Discovers the server by `issuer`, and refuses one that calls itself something else. Nothing is asked before the
 * first call.
 *
 * @throws TypeError when `issuer` is neither https nor on this machine
 *
 * @example
 * ```ts
 * const authorization = createAuthorization({ issuer: url, clientId, scopes: ["openid", "profile:read"] });
 * const client = createClient<typeof contract, ScopesOf<typeof authorization>>({ url, authorization });
 *
 * const { url: address, pending } = await authorization.authorize({ redirectUri }); // keep `pending`, go there
 * await authorization.redeem(location.href, pending); // back again
 * await client.user.me.query();
 * ```
 */
export const createAuthorization = <const G extends string>(
  options: AuthorizationOptions<G>,
): PersonalAuthorization<Exclude<G, keyof typeof identityScopes>> => {
  const issuer = new URL(options.issuer);
  const isLocal = issuer.protocol === "http:" && loopbackHosts.has(issuer.hostname);
  if (issuer.protocol !== "https:" && !isLocal) throw new TypeError("The issuer must begin with https://");
  const { clientId, clientSecret, scopes, now = Date.now, sleep = sleepWithTimer } = options;
  const fetch: typeof globalThis.fetch = options.fetch ?? ((...call) => globalThis.fetch(...call));
  const tokens = watchable(options.tokens ?? memoryTokens());
  const turn = turnsAt(tokens);

  const scope = scopes.join(" ");
  const askedNames: readonly string[] = scopes;
  const asks = (name: string) => askedNames.includes(name);
  /** How far this machine's clock is behind the server's, where the server's can be read. */
  let skewSeconds = 0;
  const client = (): oauth.Client => ({
    client_id: clientId,
    [oauth.clockSkew]: skewSeconds,
    [oauth.clockTolerance]: clockToleranceSeconds,
  });
  const clientAuthentication = clientSecret === undefined ? oauth.None() : oauth.ClientSecretBasic(clientSecret);

  const httpWith = (signal: AbortSignal) => ({
    signal,
    [oauth.allowInsecureRequests]: isLocal,
    [oauth.customFetch]: async (address: string, init: object) => {
      const response = await fetch(address, init).catch((error: unknown) => {
        throw new AuthorizationError("unreachable", `${issuer.origin} does not answer`, error);
      });
      const serverTime = Date.parse(response.headers.get("date") ?? "");
      if (!Number.isNaN(serverTime)) skewSeconds = Math.round((serverTime - Date.now()) / 1000);
      return response;
    },
  });
  /** Requests to the server as it describes itself. */
  type Exchange<T> = (server: oauth.AuthorizationServer, http: ReturnType<typeof httpWith>) => Promise<T>;

  let discovered: Promise<oauth.AuthorizationServer> | undefined;
  const discover = (): Promise<oauth.AuthorizationServer> => {
    discovered ??= withDeadline(async (signal) =>
      oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, httpWith(signal))),
    ).catch((error: unknown) => {
      discovered = undefined;
      const { code, cause } = error as { code?: string; cause?: { body?: { issuer?: string } } };
      if (code !== oauth.JSON_ATTRIBUTE_COMPARISON) throw error;
      const message = `The server at ${issuer.origin} calls itself ${cause?.body?.issuer}.`;
      throw new AuthorizationError("invalid_response", message, error);
    });
    return discovered;
  };

  /** Runs `exchange`; what that fails with is an `AuthorizationError`. */
  const withServer = async <T>(exchange: Exchange<T>): Promise<T> => {
    try {
      const server = await discover();
      return await withDeadline((signal) => exchange(server, httpWith(signal)));
    } catch (error) {
      throw readError(error);
    }
  };

  /** An address for a person to open: a server must not make them open anything else. */
  const openable = (address: string | undefined): URL => {
    const url = address !== undefined && URL.canParse(address) ? new URL(address) : null;
    if (url?.protocol === "https:" || (isLocal && url?.protocol === "http:")) return url;
    throw new AuthorizationError("invalid_response", "The server names no address that can be opened");
  };

  const issuedBy = (result: oauth.TokenEndpointResponse, before: readonly string[]) => ({
    accessToken: result.access_token,
    expiresIn: result.expires_in,
    refreshToken: result.refresh_token,
    // RFC 6749 §5.1: left out when it is what was asked for.
    scopes: result.scope?.split(" ") ?? before,
  });

  /** Redeems what a person granted, and keeps the tokens. */
  const redeemBy = (exchange: Exchange<{ response: Response; result: oauth.TokenEndpointResponse }>): Promise<Grant> =>
    turn(async () => {
      const askedAt = now();
      const { result, claims } = await withServer(async (server, http) => {
        const { response, result } = await exchange(server, http);
        if (result.token_type !== "bearer") {
          throw new AuthorizationError("invalid_response", "The server issued a token of another type");
        }
        const claims = oauth.getValidatedIdTokenClaims(result);
        // OpenID Connect Core §3.1.3.7 would let TLS stand for it.
        if (claims) await oauth.validateApplicationLevelSignature(server, response, http);
        return { result, claims };
      });
      const issued = issuedBy(result, askedNames);
      await tokens.set(tokensOf({ ...issued, sessionId: oauth.generateRandomState() }, askedAt));
      return { subject: claims?.sub ?? null, scopes: issued.scopes };
    });

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
      const url = await withServer(async (server) => openable(server.authorization_endpoint));
      const parameters = {
        client_id: clientId,
        response_type: "code",
        redirect_uri: redirectUri,
        scope,
        state: pending.state,
        code_challenge: await oauth.calculatePKCECodeChallenge(pending.codeVerifier),
        code_challenge_method: "S256",
        nonce: asks("openid") ? pending.nonce : undefined,
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
      return redeemBy(async (server, http) => {
        // Also `iss` (RFC 9207), before any error is believed.
        const answer = oauth.validateAuthResponse(server, client(), callback, state);
        const response = await oauth.authorizationCodeGrantRequest(
          server,
          client(),
          clientAuthentication,
          answer,
          redirectUri,
          codeVerifier,
          http,
        );
        const result = await oauth.processAuthorizationCodeResponse(server, client(), response, {
          requireIdToken: asks("openid"),
          ...(asks("openid") && { expectedNonce: nonce }),
          ...(maxAgeSeconds !== undefined && { maxAge: maxAgeSeconds }),
        });
        return { response, result };
      });
    },

    async authorizeDevice() {
      const askedAt = now();
      const device = await withServer(async (server, http) =>
        oauth.processDeviceAuthorizationResponse(
          server,
          client(),
          await oauth.deviceAuthorizationRequest(server, client(), clientAuthentication, { scope }, http),
        ),
      );
      const expiresAt = askedAt + device.expires_in * 1000;

      const poll = () =>
        redeemBy(async (server, http) => {
          const response = await oauth.deviceCodeGrantRequest(
            server,
            client(),
            clientAuthentication,
            device.device_code,
            http,
          );
          return { response, result: await oauth.processDeviceCodeResponse(server, client(), response) };
        });

      return {
        userCode: device.user_code,
        verificationUri: openable(device.verification_uri).href,
        verificationUriComplete:
          device.verification_uri_complete === undefined ? null : openable(device.verification_uri_complete).href,
        expiresAt,
        async redeem({ signal } = {}) {
          let waitSeconds = device.interval ?? pollSeconds;
          for (;;) {
            await sleep(waitSeconds * 1000, signal);
            if (now() >= expiresAt) throw new AuthorizationError("expired_token", "Nobody answered in time");
            try {
              return await poll();
            } catch (error) {
              switch (readError(error).code) {
                case "authorization_pending":
                  break;
                // RFC 8628 §3.5: both for all requests to come.
                case "slow_down":
                  waitSeconds += pollSeconds;
                  break;
                case "unreachable":
                  waitSeconds = Math.max(waitSeconds, Math.min(waitSeconds * 2, longestBackoffSeconds));
                  break;
                default:
                  throw error;
              }
            }
          }
        },
      };
    },

    async refresh({ refreshToken, sessionId, scopes: before = askedNames }) {
      if (refreshToken === undefined) return null;
      try {
        const result = await withServer(async (server, http) =>
          oauth.processRefreshTokenResponse(
            server,
            client(),
            await oauth.refreshTokenGrantRequest(server, client(), clientAuthentication, refreshToken, http),
          ),
        );
        // RFC 6749 §6: without another refresh token the one before goes on.
        return { ...issuedBy(result, before), refreshToken: result.refresh_token ?? refreshToken, sessionId };
      } catch (error) {
        if (error instanceof AuthorizationError && error.code === "invalid_grant") return null;
        throw error;
      }
    },

    revoke: () =>
      turn(async () => {
        const held = await tokens.get();
        if (!held) return;
        // With the refresh token goes all that was issued for it (RFC 7009 §2.1).
        const [token, hint] = held.refreshToken
          ? [held.refreshToken, "refresh_token"]
          : [held.accessToken, "access_token"];
        await withServer(async (server, http) =>
          oauth.processRevocationResponse(
            await oauth.revocationRequest(server, client(), clientAuthentication, token, {
              ...http,
              additionalParameters: { token_type_hint: hint },
            }),
          ),
        );
        await tokens.set(null);
      }),
  };
};

const loopbackHosts: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** Codes of `oauth4webapi` for an answer that is no authorization server's: a gateway's, say. */
const notFromServer: ReadonlySet<string | undefined> = new Set([
  oauth.RESPONSE_IS_NOT_CONFORM,
  oauth.RESPONSE_IS_NOT_JSON,
  oauth.PARSE_ERROR,
]);

/** What an exchange with the server failed with; what is no failure of one is thrown on. */
const readError = (error: unknown): AuthorizationError => {
  if (error instanceof AuthorizationError) return error;
  if (error instanceof oauth.ResponseBodyError || error instanceof oauth.AuthorizationResponseError) {
    return new AuthorizationError(error.error, error.error_description ?? error.error, error);
  }
  // RFC 6749 §5.2: a client that tried to authenticate by the header is answered by one.
  if (error instanceof oauth.WWWAuthenticateChallengeError) {
    const { error: code = "invalid_client", error_description: description } = error.cause[0]?.parameters ?? {};
    return new AuthorizationError(code, description ?? code, error);
  }
  if (error instanceof oauth.OperationProcessingError || error instanceof oauth.UnsupportedOperationError) {
    return new AuthorizationError(
      notFromServer.has(error.code) ? "unreachable" : "invalid_response",
      error.message,
      error,
    );
  }
  throw error;
};

const sleepWithTimer = (ms: number, signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop);
  });
