// Owns what this server sees of a request that reached it through proxies, for `lockstep doctor`: whoever holds a token that
// was sealed under `SECRET`. To anybody else, the address does not exist.

import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { Sealed } from "../domain/kernel/sealed.ts";
import { checkCookie } from "./cookies.ts";
import { sourceOf } from "./request.ts";

export const seenRequestPath = "/healthz/request";

/** How long a token for it is valid. */
export const seenRequestSeconds = 60;

/** Schema of a request as it arrived. */
export const SeenRequest = z.object({
  /** Whose request it is, for limits and the audit log. */
  address: z.string().nullable(),
  /** Who connected: the caller, or the last proxy. */
  peer: z.string().nullable(),
  /** `X-Forwarded-For` as it arrived. */
  forwardedFor: z.string().nullable(),
  origin: z.string().nullable(),
  /** `Sec-Fetch-Site`. */
  site: z.string().nullable(),
  /** The value of the cookie that the last answer set. */
  cookie: z.string().nullable(),
  /** `Set-Cookie` of this answer, as it leaves. */
  setCookie: z.string(),
});
export type SeenRequest = z.infer<typeof SeenRequest>;

export const seenRequestRoutes =
  ({ sealed, publicUrl }: { sealed: Sealed; publicUrl: string }) =>
  async (app: FastifyInstance) => {
    const cookie = checkCookie(publicUrl);

    app.get(seenRequestPath, async (request, reply) => {
      const token = /^Bearer ([\w.-]+)$/.exec(request.headers.authorization ?? "")?.[1] ?? "";
      const value = await sealed.open<string>("doctor", token);
      if (value === null) return reply.callNotFound();
      reply.header("cache-control", "no-store");
      const { origin = null, "sec-fetch-site": site = null, "x-forwarded-for": forwardedFor } = request.headers;
      return {
        address: sourceOf(request).address,
        peer: request.socket.remoteAddress ?? null,
        forwardedFor: forwardedFor === undefined ? null : String(forwardedFor),
        origin,
        site: site === null ? null : String(site),
        cookie: cookie.read(request),
        setCookie: cookie.set(reply, value),
      } satisfies SeenRequest;
    });
  };
