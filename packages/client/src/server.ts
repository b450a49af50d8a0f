// Owns calls that a web server makes while it renders a page: as whoever asked for the page, for that request only.

import type { EngineContract } from "@lockstep/kit";
import { type Client, type ClientContract, createClient } from "./client.ts";
import { memoryTokens } from "./tokens.ts";

export interface ServerClientOptions {
  /** Where the backend is, as an absolute URL. */
  readonly url: string | URL;
  /** The headers of the request that is answered: of the Fetch API, or of `node:http`. */
  readonly headers: Headers | Readonly<Record<string, string | readonly string[] | undefined>>;
  /**
   * Puts `Set-Cookie` headers on the answer to that request. Only with it is the browser's cookie used: a session that
   * is refreshed gets a new one, and a browser that never receives it loses the session. So call it before the answer's
   * headers leave, and let no cache keep that answer.
   */
  readonly setCookies?: (cookies: readonly string[]) => void;
  /** Where the request came from, as the backend's list of sessions is to show it, if it trusts this server to say so. */
  readonly address?: string;
  /** Replaces the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
}

/**
 * A client that acts as the principal of one incoming request: by its bearer token, or, with `setCookies`, by its
 * session cookie. Never share it between requests. Without either, its calls are nobody's.
 */
export const createServerClient = <C extends ClientContract = EngineContract>({
  url,
  headers,
  setCookies,
  address,
  fetch = (...call) => globalThis.fetch(...call),
}: ServerClientOptions): Client<C> => {
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
