// Owns how a request comes from Fastify to the library and its answer back: with the body that was read here, the
// address that the world knows us by, and the security headers of every other page.

import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Provider } from "oidc-provider";

/** Lets the library answer. The reply is out of Fastify's hands from here on. */
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
  // Refusals too, of which the library says nothing.
  reply.raw.setHeader("cache-control", "no-store");
  await provider.callback()(again(request, publicUrl, headers, body), reply.raw);
};

/** The request as it came, with its body to be read once more, and as it was sent to our public address. */
const again = (request: FastifyRequest, publicUrl: URL, sent: IncomingHttpHeaders, body: Buffer): IncomingMessage => {
  const { raw } = request;
  const { "transfer-encoding": chunked, ...headers } = sent;
  const hasBody = chunked !== undefined || headers["content-length"] !== undefined;
  // Not an `IncomingMessage`, whose constructor wants a socket to read from; it has all of one that the library reads.
  const stream = Readable.from(body.length > 0 ? [body] : []) as IncomingMessage;
  return Object.assign(stream, {
    method: raw.method,
    // Where a request goes on it brings nothing; what it brings all the same would be taken for a new one's.
    url: request.routeOptions.url?.endsWith("/:uid") ? raw.url?.split("?")[0] : raw.url,
    httpVersion: raw.httpVersion,
    httpVersionMajor: raw.httpVersionMajor,
    httpVersionMinor: raw.httpVersionMinor,
    rawHeaders: raw.rawHeaders,
    socket: raw.socket,
    headers: {
      ...headers,
      ...(hasBody && { "content-length": String(body.length) }),
      // Ours to say, whatever came in: links and the issuer follow from them.
      host: publicUrl.host,
      "x-forwarded-host": publicUrl.host,
      "x-forwarded-proto": publicUrl.protocol.slice(0, -1),
      "x-forwarded-for": request.ip,
    },
  });
};
