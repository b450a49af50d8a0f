// Owns what every HTTP transport reads of a request in the same way: the credential, the source, and the body.

import { isIP } from "node:net";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Source } from "../domain/kernel/audit.ts";
import { DomainError } from "../domain/kernel/domain-error.ts";
import { type Credential, readCredential } from "../domain/tokens/bearer.ts";
import type { Guard } from "../domain/tokens/guard.ts";
import { type Context, createContext } from "../rpc/context.ts";
import type { cookiesFor } from "./cookies.ts";

/** The context of the calls in a request. */
export const contextOf = (
  { guard, cookies, publicUrl }: { guard: Guard; cookies: ReturnType<typeof cookiesFor>; publicUrl: string },
  request: FastifyRequest,
  reply: FastifyReply,
  calls: Pick<Context, "credentialCalls" | "streamed">,
): Context =>
  createContext(guard, {
    requestId: request.id,
    credential: credentialOf(request, publicUrl),
    source: sourceOf(request),
    cookies: cookies(request, reply),
    ...calls,
  });

/** The credential of the request. */
export const credentialOf = (request: FastifyRequest, publicUrl: string): Credential =>
  readCredential(headerValues(request, "authorization"), /[?&]access_token=/i.test(request.raw.url ?? ""), () => ({
    proofs: headerValues(request, "dpop"),
    method: request.method,
    // RFC 9449 §4.3: the URL as the caller sees it, not as a proxy rewrote it.
    url: publicUrl + request.raw.url,
  }));

const source = Symbol("source");

/** The source of the request. It is read once: behind a proxy, Fastify works out the address each time. */
export const sourceOf = (request: FastifyRequest & { [source]?: Source }): Source => {
  request[source] ??= readSource(request);
  return request[source];
};

const readSource = ({ ip, id, socket, headers }: FastifyRequest): Source => ({
  // An invalid address from a proxy, such as "unknown", counts as the proxy's own, so that nobody can hide behind it.
  address: isIP(ip) ? ip : (socket.remoteAddress ?? null),
  userAgent: headers["user-agent"]?.slice(0, 500) ?? null,
  requestId: id,
});

/** Every value of a header as it was sent. Node drops a repeated `Authorization`. */
export const headerValues = ({ raw: { rawHeaders } }: FastifyRequest, name: string): string[] =>
  rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name);

/** Reads bodies of one content type as UTF-8 text, which `parse` converts for the routes. */
export const takeBodies = (app: FastifyInstance, contentType: string, parse: (text: string) => unknown) => {
  app.addContentTypeParser(contentType, { parseAs: "buffer" }, async (_request: FastifyRequest, body: Buffer) =>
    parse(utf8(body)),
  );
};

const utf8 = (body: Buffer): string => {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    throw new DomainError("MALFORMED_REQUEST");
  }
};
