// Owns what a web server takes over from a browser's request when it calls the backend for it, and the cookies that the
// backend's answers set. Which cookies those are and what they mean: `http/cookies.ts` of the server.

import { parseCookie, parseSetCookie } from "cookie";
import { SetCookieError } from "./errors.ts";

/** A request of a browser that a web server answers. */
export interface BrowserRequest {
  /** Its headers, from the Fetch API or from `node:http`. */
  readonly headers: Headers | Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The IP address that it came from, for the backend's list of sessions, if it trusts this server as a proxy. */
  readonly address?: string;
}

/** A cookie that the backend sets, in the form that the cookie APIs of Next, SvelteKit, Nuxt and Astro take. */
export interface ServerCookie {
  readonly name: string;
  /** Empty when the cookie is removed, with an `expires` in the past. */
  readonly value: string;
  readonly options: ServerCookieOptions;
  /** The whole `Set-Cookie` header, for servers without a cookie API. */
  readonly header: string;
}

/** The attributes of a cookie. */
export interface ServerCookieOptions {
  path: string;
  httpOnly: boolean;
  secure: boolean;
  sameSite: "strict" | "lax" | "none";
  expires?: Date;
  /** In seconds. */
  maxAge?: number;
}

type Fetch = typeof globalThis.fetch;

/** All cookies of the backend have one of these names, and so has the refresh token's. */
const ours = /^(?:__Host-)?lockstep-/;
const refreshTokenName = /^(?:__Host-)?lockstep-session$/;

export const readBrowserRequest = ({ headers, address }: BrowserRequest) => {
  const header = (name: string): string | undefined => {
    if (headers instanceof Headers) return headers.get(name) ?? undefined;
    const value = headers[name];
    return typeof value === "string" ? value : value?.join(name === "cookie" ? "; " : ", ");
  };
  // A page of another origin made this request, and not by following a link, which sends no `Origin`. Browsers send the
  // cookies with it if that origin is of the same site.
  const site = header("sec-fetch-site") ?? "none";
  const isForeign = header("origin") !== undefined && site !== "same-origin" && site !== "none";
  const cookies = isForeign ? [] : pairsOf(header("cookie")).filter(([name]) => ours.test(name));

  const forwarded = {
    cookie: cookies.length > 0 ? cookies.map((pair) => pair.join("=")).join("; ") : undefined,
    "user-agent": header("user-agent"),
    "x-forwarded-for": address,
    // The backend then refuses a sign-in by cookie, too.
    "sec-fetch-site": isForeign ? site : undefined,
  };

  return {
    accessToken: /^Bearer +(\S+)$/i.exec(header("authorization") ?? "")?.[1],

    /** Whether it has the cookie of a session. */
    hasSession: cookies.some(([name]) => refreshTokenName.test(name)),

    /** `fetch` on behalf of the browser. `onCookies` gets the cookies of each answer. */
    fetchWith:
      (fetch: Fetch, onCookies: (cookies: readonly ServerCookie[]) => void): Fetch =>
      async (input, init) => {
        const sent = new Headers(init?.headers);
        for (const [name, value] of Object.entries(forwarded)) if (value !== undefined) sent.set(name, value);
        const response = await fetch(input, { ...init, headers: sent });
        // Load balancers and firewalls set cookies, too. Those are for this server, not for the browser.
        onCookies(
          response.headers
            .getSetCookie()
            .map(cookieOf)
            .filter(({ name }) => ours.test(name)),
        );
        return response;
      },

    /** Its headers after a refresh: with this access token, and the cookies as the browser will send them next time. */
    headersWith(accessToken: string | null, changed: readonly ServerCookie[]): Headers {
      const next = new Headers();
      for (const name of headers instanceof Headers ? headers.keys() : Object.keys(headers)) {
        const value = header(name);
        // HTTP/2 of Node has the method and the path among the headers, such as `:path`.
        if (value !== undefined && !name.startsWith(":")) next.set(name, value);
      }
      if (accessToken !== null) next.set("authorization", `Bearer ${accessToken}`);
      if (changed.length === 0) return next;
      const kept = pairsOf(header("cookie")).filter(([name]) => changed.every((cookie) => cookie.name !== name));
      const set = changed.filter(({ value }) => value !== "").map(({ header }) => header.split(";", 1)[0] ?? "");
      next.set("cookie", [...kept.map((pair) => pair.join("=")), ...set].join("; "));
      return next;
    },
  };
};

/**
 * The cookies of a `Cookie` header, with their values as they were sent. Only spaces and tabs around a name are dropped:
 * any host of the site can set a name that begins with other white space, which would turn into a `__Host-` name.
 */
const pairsOf = (header = ""): [name: string, value: string][] =>
  Object.entries(parseCookie(header, { decode: (value) => value })).map(([name, value = ""]) => [name, value]);

const cookieOf = (header: string): ServerCookie => {
  const {
    name,
    value = "",
    path = "/",
    httpOnly = false,
    secure = false,
    sameSite,
    expires,
    maxAge,
  } = parseSetCookie(header);
  return {
    name,
    value,
    options: {
      path,
      httpOnly,
      secure,
      sameSite: typeof sameSite === "string" ? sameSite : "lax", // the browsers' default
      ...(expires !== undefined && { expires }),
      ...(maxAge !== undefined && { maxAge }),
    },
    header,
  };
};

/** Calls `setCookie` for each cookie. */
export const setEach = (setCookie: (cookie: ServerCookie) => void, cookies: readonly ServerCookie[]): void => {
  try {
    for (const cookie of cookies) setCookie(cookie);
  } catch (error) {
    throw new SetCookieError("The cookies of the session could not be set in the response to the browser", {
      cause: error,
    });
  }
};
