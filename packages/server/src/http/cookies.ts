// Owns every cookie of this server: its name, its attributes, and which requests may use it. The cookies of the
// first-party web app count only for requests from a page of this origin, or of a listed origin of the same site:
// SameSite=Strict excludes other sites, and the check of Origin and Sec-Fetch-Site excludes other origins of the same site
// and browsers without SameSite (OAuth 2.1 §7.1.3.4).
//
// The names are constants, so that renaming the product signs nobody out.

import type { CookieSerializeOptions } from "@fastify/cookie";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Cookies } from "../rpc/context.ts";
import { isLoopback } from "./page-origins.ts";

/** How long a browser counts as a known device of an account. */
const deviceLifetimeSeconds = 365 * 24 * 60 * 60;

/** The names of all cookies. */
const namesFor = (publicUrl: string) => {
  // Browsers bind a `__Host-` cookie to this host, and accept it over https only.
  const host = publicUrl.startsWith("https:") ? "__Host-" : "";
  return {
    refreshToken: `${host}lockstep-session`,
    deviceToken: `${host}lockstep-device`,
    proofSecret: `${host}lockstep-proof`,
    check: `${host}lockstep-check`,
    /** One for each authorization request, followed by its ID. */
    authorizationPrefix: `${host}lockstep-authorization-`,
    /** One for each sign-in at an identity provider that has not come back, followed by its `state`. */
    loginPrefix: `${host}lockstep-login-`,
    /**
     * The cookies of `oidc-provider`: the browser's session there, and two with a path, which `__Host-` does not allow.
     */
    authorizationServer: {
      session: `${host}lockstep-authorization-server`,
      interaction: "lockstep-interaction",
      resume: "lockstep-resume",
    },
  };
};

/**
 * Whether a browser sent the request for a page of another origin.
 * @param siblings other origins that are not foreign while the browser says that they are of the same site
 */
export const isForeignTo =
  (publicUrl: string, siblings: readonly string[] = []) =>
  ({ headers }: FastifyRequest): boolean => {
    const site = headers["sec-fetch-site"];
    // Plain http is a developer's machine.
    const secure = publicUrl.startsWith("https:");
    if (headers.origin !== undefined && headers.origin !== publicUrl && siblings.includes(headers.origin)) {
      // Only the browser knows whether two hosts are of one site. It does not say so to plain http of another machine.
      return site === undefined ? secure : site !== "same-site" && site !== "same-origin";
    }
    if (site !== undefined && site !== "same-origin") return true;
    if (headers.origin === undefined || headers.origin === publicUrl) return false;
    // A form of our own page that sends no referrer (Fetch §3.2). Pages of other origins are never `same-origin`.
    if (headers.origin === "null") return site === undefined;
    // A developer's machine may be reached by another of its names, or through a proxy that changes `Host`.
    return secure || !isLoopback(headers.origin) || (site === undefined && headers.origin !== `http://${headers.host}`);
  };

/** Whether a browser sent the request: with a POST, each sends `Origin` (Fetch §3.2), and the present ones both headers. */
const isFromBrowser = ({ headers }: FastifyRequest): boolean =>
  headers.origin !== undefined || headers["sec-fetch-site"] !== undefined;

/** @param siblings origins whose pages may use the session's cookies too (`isForeignTo`) */
export const cookiesFor = (publicUrl: string, siblings: readonly string[] = []) => {
  const { refreshToken, deviceToken, proofSecret } = namesFor(publicUrl);
  const secure = publicUrl.startsWith("https:");
  const authorizations = authorizationCookies(publicUrl);
  const attributes: CookieSerializeOptions = { httpOnly: true, secure, sameSite: "strict", path: "/" };

  const isForeign = isForeignTo(publicUrl, siblings);
  const isOtherOrigin = isForeignTo(publicUrl);

  return (request: FastifyRequest, reply: FastifyReply): Cookies => {
    const foreign = isForeign(request);
    return {
      foreign,
      fromBrowser: isFromBrowser(request),
      refreshToken: foreign ? null : (request.cookies[refreshToken] ?? null),
      deviceToken: foreign ? null : (request.cookies[deviceToken] ?? null),
      setRefreshToken: (token, expiresAt) => {
        reply.setCookie(refreshToken, token, { ...attributes, expires: new Date(expiresAt) });
      },
      clearRefreshToken: () => {
        reply.clearCookie(refreshToken, attributes);
      },
      setDeviceToken: (token) => {
        reply.setCookie(deviceToken, token, { ...attributes, maxAge: deviceLifetimeSeconds });
      },
      proofSecret: foreign ? null : (request.cookies[proofSecret] ?? null),
      setProofSecret: (secret, lifetimeSeconds) => {
        reply.setCookie(proofSecret, secret, { ...attributes, maxAge: lifetimeSeconds });
      },
      // Consent is asked for on our own pages only.
      authorizationSecret: (id) =>
        isOtherOrigin(request) ? null : secretIn(request.cookies[authorizations.nameOf(id)]),
      clearAuthorization: (id) => {
        reply.clearCookie(authorizations.nameOf(id), attributes);
      },
    };
  };
};

/** A cookie with the attributes of a session's, which tells whether a proxy passes cookies on unchanged. */
export const checkCookie = (publicUrl: string) => {
  const { check: name } = namesFor(publicUrl);
  const attributes = {
    httpOnly: true,
    secure: publicUrl.startsWith("https:"),
    sameSite: "strict",
    path: "/",
    maxAge: 60,
  } as const;
  return {
    read: ({ cookies }: FastifyRequest): string | null => cookies[name] ?? null,

    /** Sets it, and returns the value of `Set-Cookie`. */
    set(reply: FastifyReply, value: string): string {
      const line = reply.server.serializeCookie(name, value, attributes);
      reply.header("set-cookie", line);
      return line;
    },
  };
};

/**
 * How the names of our cookies end. Another host of the same site can set cookies with other endings, which no `Set-Cookie`
 * can clear.
 */
const Ending = /^[\w-]{1,100}$/;

/** How many authorization requests can be pending in one browser. */
const maxAuthorizations = 4;

/**
 * The cookies of authorization requests, one for each, so that tabs do not interfere: `lockstep-authorization-ID`
 * contains when the request began, in seconds, and a secret of this browser (RFC 9700 §4.7).
 */
export const authorizationCookies = (publicUrl: string) => {
  const { authorizationPrefix: prefix, authorizationServer } = namesFor(publicUrl);
  return {
    /** The names of `oidc-provider`'s own cookies. */
    library: authorizationServer,

    nameOf: (id: string) => prefix + id,

    valueOf: (secret: string, beganAtSeconds: number) => `${beganAtSeconds}.${secret}`,

    /** The IDs of the oldest requests beyond the limit, so that the `Cookie` header stays small. */
    replacedBy(id: string, cookieHeader = ""): string[] {
      const waiting = cookieHeader
        .split(/; */)
        .filter((pair) => pair.startsWith(prefix) && !pair.startsWith(`${authorizationServer.session}=`))
        .map((pair) => pair.slice(prefix.length).split("=", 2))
        .flatMap(([waitingId = "", value = ""]) =>
          waitingId === id || !Ending.test(waitingId)
            ? []
            : [{ id: waitingId, began: Number.parseInt(value, 10) || 0 }],
        )
        // Within one second, browsers send the oldest cookie first (RFC 6265 §5.4).
        .toReversed()
        .toSorted((a, b) => b.began - a.began);
      return waiting.slice(maxAuthorizations - 1).map((each) => each.id);
    },
  };
};

/**
 * The cookies of sign-ins at identity providers, one for each, so that tabs do not interfere. They come back with a
 * navigation from the identity provider's site, so they are SameSite=Lax.
 */
export const loginCookies = (publicUrl: string) => {
  const { loginPrefix: prefix } = namesFor(publicUrl);
  const attributes: CookieSerializeOptions = {
    httpOnly: true,
    secure: publicUrl.startsWith("https:"),
    sameSite: "lax",
    path: "/",
  };
  return {
    /** The `state` of every sign-in that this browser has begun and not ended. */
    pending: ({ cookies }: FastifyRequest): string[] =>
      Object.keys(cookies).flatMap((name) => {
        const state = name.startsWith(prefix) ? name.slice(prefix.length) : "";
        return Ending.test(state) ? state : [];
      }),

    read: ({ cookies }: FastifyRequest, state: string): string | null => cookies[prefix + state] ?? null,

    set(reply: FastifyReply, state: string, value: string, lifetimeSeconds: number): void {
      reply.setCookie(prefix + state, value, { ...attributes, maxAge: lifetimeSeconds });
    },

    clear(reply: FastifyReply, state: string): void {
      reply.clearCookie(prefix + state, attributes);
    },
  };
};

const secretIn = (value: string | undefined): string | null => value?.split(".", 2)[1] ?? null;
