// Owns the session of a browser on a web server: its calls while it renders a page or runs an action, for one request,
// and when the session is refreshed there.

import type { EngineContract, SessionEndReason, User, WithZod } from "@lockstep/kit";
import { createTRPCClient, httpLink } from "@trpc/client";
import {
  type BrowserRequest,
  readBrowserRequest,
  type ServerCookie,
  type ServerCookieOptions,
  setEach,
} from "./browser-request.ts";
import { type Client, type ClientContract, createClientWith, endOf, rpcUrl } from "./client.ts";
import { withDeadline } from "./deadline.ts";
import { type EngineRouter, readFailure, SetCookieError } from "./errors.ts";
import type { SessionOptions } from "./session.ts";
import { memoryTokens } from "./tokens.ts";

// Compilers name these in the declarations of modules that import this entry.
export type { EngineContract, RpcErrorShape } from "@lockstep/kit";
export type { Client, FirstPartyClient } from "./client.ts";
export { type BrowserRequest, type ServerCookie, type ServerCookieOptions, SetCookieError };

/** The options of `restoreSession`. */
export interface RestoreSessionOptions extends BrowserRequest {
  /** The backend's absolute URL, as this server reaches it. */
  readonly url: string | URL;
  /** Replaces the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
}

/** The options of `createServerClient`. */
export interface ServerClientOptions extends RestoreSessionOptions {
  /**
   * Sets a cookie in the response to the browser. Needed to sign in. Call the backend before the response's headers are
   * sent, and forbid caching of the response.
   */
  readonly setCookie?: (cookie: ServerCookie) => void;
}

/**
 * Creates a client that acts as the user of one request, with its bearer token or else its session cookie. Without
 * either, its calls are unauthenticated. Never share it between requests.
 *
 * The cookie stays valid: the client gets an access token for it once, before its first call, and never refreshes the
 * session; `restoreSession` does. The access token lasts for five minutes.
 *
 * `auth.login` and `auth.logout` set and remove the browser's cookies with `setCookie`. Without it, `auth.login` and
 * `auth.refresh` fail before they are sent. When `setCookie` throws, the call fails. The `cause` of both errors is a
 * `SetCookieError`, and `errorOf` returns `null` for them.
 */
export const createServerClient = <C extends ClientContract = EngineContract>({
  url,
  setCookie,
  fetch = (...call) => globalThis.fetch(...call),
  ...browserRequest
}: WithZod<ServerClientOptions>): Client<C> => {
  const request = readBrowserRequest(browserRequest);
  const { accessToken, hasSession } = request;
  const issuing = backendOf(
    url,
    request.fetchWith(fetch, () => {}),
  );
  let mayIssue = hasSession && accessToken === undefined;
  // Once: while a page is rendered, its browser may refresh. The cookie of the request is then replaced, and after the
  // grace window its use would end the session.
  const issue: SessionOptions["refresh"] = async () => {
    if (!mayIssue) return { ended: "unknown" };
    try {
      const issued = await withDeadline((signal) => issuing.auth.issueAccessToken.mutate(undefined, { signal }));
      mayIssue = false;
      const { accessToken, sessionId, user } = issued; // without `expiresIn`, it is never renewed early
      return { accessToken, sessionId, user };
    } catch (error) {
      const ended = endOf(readFailure(error));
      if (ended) return { ended };
      throw error;
    }
  };

  const calling = request.fetchWith(fetch, (cookies) => setCookie && setEach(setCookie, cookies));
  return createClientWith<C>(
    {
      url,
      transport: "cookie",
      tokens: memoryTokens(accessToken === undefined ? null : { accessToken }),
      fetch: async (input, init) => {
        const operation = new URL(String(input)).pathname.split("/").at(-1) ?? "";
        if (!setCookie && settingCookies.has(operation)) {
          throw new SetCookieError(`${operation} sets cookies, and createServerClient was given no setCookie`);
        }
        return calling(input, init);
      },
      tabs: null,
    },
    issue,
  );
};

/** The operations that replace the refresh token, which would be lost without a cookie. */
const settingCookies: ReadonlySet<string> = new Set(["auth.login", "auth.refresh"]);

/** What `restoreSession` found. */
export interface RestoredSession {
  /** `null`: the request has no live session. */
  readonly user: User | null;
  /** Why the session of its cookie has ended. `null`: it has not, or there was none. */
  readonly endReason: SessionEndReason | null;
  /**
   * The request's headers for what handles it next, with `Authorization`: clients of `createServerClient` with these
   * headers call as the user, without another request for a token.
   */
  readonly headers: Headers;
  /** Add these to the response: the cookie of a session that was refreshed or has ended. Usually none. */
  readonly cookies: readonly ServerCookie[];
}

/**
 * Finds out who is signed in, by the session cookie of a request, in a proxy, middleware or hook that runs before the
 * page. When the last refresh was ten minutes ago, it refreshes the session: call it only where `cookies` reach the
 * browser. Without a session cookie, it sends no request.
 *
 * A request that has a bearer token acts for that, so its cookie is not used, and `user` is `null`.
 *
 * @throws TRPCClientError when the backend does not answer; the session continues. Read it with `errorOf`
 */
export const restoreSession = async ({
  url,
  fetch = (...call) => globalThis.fetch(...call),
  ...browserRequest
}: RestoreSessionOptions): Promise<RestoredSession> => {
  const request = readBrowserRequest(browserRequest);
  const cookies: ServerCookie[] = [];
  const signedOut = (endReason: SessionEndReason | null): RestoredSession => ({
    user: null,
    endReason,
    headers: request.headersWith(null, cookies),
    cookies,
  });
  if (!request.hasSession || request.accessToken !== undefined) return signedOut(null);
  const backend = backendOf(
    url,
    request.fetchWith(fetch, (changed) => cookies.push(...changed)),
  );
  try {
    const issued = await withDeadline((signal) => backend.auth.issueAccessToken.mutate(undefined, { signal }));
    const refreshed = issued.refreshDue
      ? await withDeadline((signal) => backend.auth.refresh.mutate({}, { signal })).catch((error: unknown) => {
          // The next request tries again: until then, the session does without a refresh.
          if (endOf(readFailure(error)) === null) return null;
          throw error;
        })
      : null;
    const { accessToken, user } = refreshed ?? issued;
    return { user, endReason: null, headers: request.headersWith(accessToken, cookies), cookies };
  } catch (error) {
    const endReason = endOf(readFailure(error));
    if (endReason === null) throw error;
    return signedOut(endReason);
  }
};

/** A client without a session of its own, for requests with the cookie. */
const backendOf = (url: string | URL, fetch: typeof globalThis.fetch) =>
  createTRPCClient<EngineRouter>({
    links: [httpLink({ url: rpcUrl(url), fetch: (input, init) => fetch(input, init as RequestInit) })],
  });
