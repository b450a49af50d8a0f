// Owns requests to the authorization server: discovery, the time limit, the server's clock, client authentication.

import * as oauth from "oauth4webapi";
import { AuthorizationError, readError } from "./authorization-error.ts";
import { withDeadline } from "./deadline.ts";

export interface AuthorizationServerOptions {
  readonly issuer: string | URL;
  readonly clientId: string;
  readonly clientSecret: string | undefined;
  readonly fetch: typeof globalThis.fetch;
}

/** The parameters of a request to the authorization server. */
export interface ExchangeParameters {
  /** RFC 8414 §2. */
  readonly metadata: oauth.AuthorizationServer;
  /** Call it for each request and each answer: every answer can correct the clock skew. */
  readonly client: () => oauth.Client;
  readonly clientAuthentication: oauth.ClientAuth;
  readonly http: HttpOptions;
}

/** One or more requests to the authorization server. */
export type Exchange<T> = (parameters: ExchangeParameters) => Promise<T>;

export type AuthorizationServer = ReturnType<typeof createAuthorizationServer>;

/** How far the clocks may differ when the times of an ID token are checked. */
const clockToleranceSeconds = 300;

/** @throws TypeError when `issuer` is neither https nor on this machine */
export const createAuthorizationServer = ({
  clientId,
  clientSecret,
  fetch,
  ...options
}: AuthorizationServerOptions) => {
  const issuer = new URL(options.issuer);
  const isLocal = issuer.protocol === "http:" && loopbackHosts.has(issuer.hostname);
  if (issuer.protocol !== "https:" && !isLocal) throw new TypeError("The issuer must begin with https://");

  /** How far the server's clock is ahead of this machine's. Stays 0 where `Date` cannot be read. */
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

  let discovered: Promise<oauth.AuthorizationServer> | undefined;
  const discover = (): Promise<oauth.AuthorizationServer> => {
    discovered ??= withDeadline(async (signal) =>
      oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, httpWith(signal))),
    ).catch((error: unknown) => {
      discovered = undefined;
      const { code, cause } = error as { code?: string; cause?: { body?: { issuer?: string } } };
      if (code !== oauth.JSON_ATTRIBUTE_COMPARISON) throw error;
      const message = `The server at ${issuer.origin} has another issuer: ${cause?.body?.issuer}.`;
      throw new AuthorizationError("invalid_response", message, error);
    });
    return discovered;
  };

  return {
    /**
     * Runs `exchange` with the server's metadata, which is read once.
     * @throws AuthorizationError
     */
    async exchange<T>(exchange: Exchange<T>): Promise<T> {
      try {
        const metadata = await discover();
        return await withDeadline((signal) =>
          exchange({ metadata, client, clientAuthentication, http: httpWith(signal) }),
        );
      } catch (error) {
        throw readError(error);
      }
    },

    /**
     * A URL that the user opens. Only https, so that a server cannot make them run a script or open a file.
     * @throws AuthorizationError `invalid_response`
     */
    openable(address: string | undefined): URL {
      const url = address !== undefined && URL.canParse(address) ? new URL(address) : null;
      if (url?.protocol === "https:" || (isLocal && url?.protocol === "http:")) return url;
      throw new AuthorizationError("invalid_response", "The server returned no https URL to open");
    },
  };
};

type HttpOptions = {
  readonly signal: AbortSignal;
  readonly [oauth.allowInsecureRequests]: boolean;
  readonly [oauth.customFetch]: (address: string, init: object) => Promise<Response>;
};

const loopbackHosts: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);
