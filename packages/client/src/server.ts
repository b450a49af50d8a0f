// Owns the calls of a web server while it renders a page: on behalf of the user who requested the page, for one
// request.

import type { EngineContract, WithZod } from "@lockstep/kit";
import { type Client, type ClientContract, createClient } from "./client.ts";
import { memoryTokens } from "./tokens.ts";

// Compilers name these in the declarations of modules that import this entry.
export type { EngineContract, RpcErrorShape } from "@lockstep/kit";
export type { Client, FirstPartyClient } from "./client.ts";

/** The options of `createServerClient`. */
export interface ServerClientOptions {
  /** The backend's absolute URL. */
  readonly url: string | URL;
  /** The headers of the page's request, from the Fetch API or from `node:http`. */
  readonly headers: Headers | Readonly<Record<string, string | readonly string[] | undefined>>;
  /**
   * Adds `Set-Cookie` headers to the page's response. Without it, the browser's session cookie is not used: using the
   * cookie replaces it, and a browser that never receives the new one loses the session. Call the backend before the
   * response's headers are sent, and forbid caching of the response.
   */
  readonly setCookies?: (cookies: readonly string[]) => void;
  /** The IP address of the page's request, for the backend's list of sessions, if it trusts this server as a proxy. */
  readonly address?: string;
  /** Replaces the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
}

/**
 * Creates a client that acts as the user of one incoming request, with its bearer token or, if `setCookies` is given,
 * its session cookie. Without either, its calls are unauthenticated. Never share it between requests.
 */
export const createServerClient = <C extends ClientContract = EngineContract>({
  url,
  headers,
  setCookies,
  address,
  fetch = (...call) => globalThis.fetch(...call),
}: WithZod<ServerClientOptions>): Client<C> => {
  const header = (name: string): string | undefined => {
    if (headers instanceof Headers) return headers.get(name) ?? undefined;
    const value = headers[name];
    return typeof value === "string" ? value : value?.join(name === "cookie" ? "; " : ", ");
  };
  const accessToken = /^Bearer +(\S+)$/i.exec(header("authorization") ?? "")?.[1];
  const cookie = accessToken === undefined && setCookies ? header("cookie") : undefined;

  const asRequested: typeof globalThis.fetch = async (input, init) => {
    const sent = new Headers(init?.headers);
    const carried = { cookie, "user-agent": header("user-agent"), "x-forwarded-for": address };
    for (const [name, value] of Object.entries(carried)) if (value !== undefined) sent.set(name, value);
    const response = await fetch(input, { ...init, headers: sent });
    const cookies = response.headers.getSetCookie();
    if (cookies.length > 0) setCookies?.(cookies);
    return response;
  };

  return createClient<C>({
    url,
    transport: cookie === undefined ? "body" : "cookie",
    tokens: memoryTokens(accessToken === undefined ? null : { accessToken }),
    fetch: asRequested,
    tabs: null,
  });
};
