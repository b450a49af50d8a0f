// Owns the way of a request from Fastify to the library and of its response back: with the body that was read here, our
// public URL, and the security headers of every other page.

import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Provider } from "oidc-provider";

/** Forwards a request to the library. Fastify no longer owns the reply afterwards. */
export const forwardToAuthorizationServer = async (
  provider: Provider,
  request: FastifyRequest,
  reply: FastifyReply,
  publicUrl: URL,
  { headers, body }: { headers: IncomingHttpHeaders; body: Buffer },
): Promise<void> => {
  reply.hijack();
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) reply.raw.setHeader(name, value);
  }
  // Also on refusals, for which the library sets no header.
  reply.raw.setHeader("cache-control", "no-store");
  await provider.callback()(requestForLibrary(request, publicUrl, headers, body), reply.raw);
};

/** The request with its body readable again, as if it had been sent to our public URL. */
const requestForLibrary = (
  request: FastifyRequest,
  publicUrl: URL,
  sent: IncomingHttpHeaders,
  body: Buffer,
): IncomingMessage => {
  const { raw } = request;
  const { "transfer-encoding": chunked, ...headers } = sent;
  const hasBody = chunked !== undefined || headers["content-length"] !== undefined;
  // Not an `IncomingMessage`, whose constructor needs a socket. It has everything that the library reads.
  const stream = Readable.from(body.length > 0 ? [body] : []) as IncomingMessage;
  return Object.assign(stream, {
    method: raw.method,
    // Resume URLs take no query. Drop it.
    url: request.routeOptions.url?.endsWith("/:uid") ? raw.url?.split("?")[0] : raw.url,
    httpVersion: raw.httpVersion,
    httpVersionMajor: raw.httpVersionMajor,
    httpVersionMinor: raw.httpVersionMinor,
    rawHeaders: raw.rawHeaders,
    socket: raw.socket,
    headers: {
      ...headers,
      ...(hasBody && { "content-length": String(body.length) }),
      // Set by us, whatever was sent: links and the issuer are derived from them.
      host: publicUrl.host,
      "x-forwarded-host": publicUrl.host,
      "x-forwarded-proto": publicUrl.protocol.slice(0, -1),
      "x-forwarded-for": request.ip,
    },
  });
};
