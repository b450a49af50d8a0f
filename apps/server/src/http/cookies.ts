// Owns the cookies of our own web app, and which requests they count for: those of a page of this very origin.
// SameSite=Strict keeps other sites out; the check of Origin and Sec-Fetch-Site keeps out what is same-site
// and not us, and browsers that do not know SameSite (OAuth 2.1 §7.1.3.4).

import type { CookieSerializeOptions } from "@fastify/cookie";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Cookies } from "../rpc/context.ts";

/** How long a browser counts as one that an account signed in from. */
const deviceLifetimeSeconds = 365 * 24 * 60 * 60;

export const cookiesFor = (publicUrl: string) => {
  const origin = new URL(publicUrl);
  const secure = origin.protocol === "https:";
  // `__Host-` binds a cookie to this very host, and browsers take it over https only.
  const name = (plain: string) => (secure ? `__Host-${plain}` : plain);
  const refreshToken = name("lockstep-session");
  const deviceToken = name("lockstep-device");
  const attributes: CookieSerializeOptions = { httpOnly: true, secure, sameSite: "strict", path: "/" };

  const isForeign = ({ headers }: FastifyRequest) => {
    const site = headers["sec-fetch-site"];
    if (site !== undefined && site !== "same-origin") return true;
    if (headers.origin === undefined || headers.origin === publicUrl) return false;
    // On plain http this is a machine of a developer, who may reach it by another of its own names.
    return secure || !isLoopback(headers.origin) || headers.origin !== `http://${headers.host}`;
  };

  return (request: FastifyRequest, reply: FastifyReply): Cookies => {
    const foreign = isForeign(request);
    return {
      foreign,
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
      holdsAuthorization: (id) => !foreign && request.cookies[authorizationCookie(publicUrl, id)] === "1",
      clearAuthorization: (id) => {
        reply.clearCookie(authorizationCookie(publicUrl, id), attributes);
      },
    };
  };
};

/**
 * The cookie of the browser in which an application's request for access began, one for each request. Without it,
 * somebody could begin one in their own browser and have another person approve it (RFC 9700 §4.7).
 */
export const authorizationCookie = (publicUrl: string, id: string): string =>
  `${publicUrl.startsWith("https://") ? "__Host-" : ""}lockstep-authorization-${id}`;

const isLoopback = (origin: string) => {
  try {
    return ["localhost", "127.0.0.1", "[::1]"].includes(new URL(origin).hostname);
  } catch {
    return false;
  }
};
