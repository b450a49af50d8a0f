// Owns which answers pages of any origin may read (CORS), errors included. A token travels in a header that a page sets
// on purpose, and credentials are off: a page reads nothing here that it could not ask for from a server.

import type { ServerResponse } from "node:http";
import type { onRequestHookHandler } from "fastify";

/** Headers that a page may read besides those that it always may. */
export const exposedHeaders = ["www-authenticate", "dpop-nonce", "retry-after", "x-request-id"];

/** For answers that are written before the authorization server has looked at the client, and for those to everybody. */
export const crossOriginHeaders: Readonly<Record<string, string>> = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": exposedHeaders.join(", "),
};

const answers = new WeakSet<ServerResponse>();

/** For routes with CORS of their own: what refuses a request before or around them is told by `isCrossOrigin`. */
export const markCrossOrigin: onRequestHookHandler = (_request, reply, done) => {
  answers.add(reply.raw);
  done();
};

export const isCrossOrigin = (answer: ServerResponse | undefined): boolean =>
  answer !== undefined && answers.has(answer);

/** For routes that answer everybody alike, such as metadata. */
export const allowAnyOrigin: onRequestHookHandler = (_request, reply, done) => {
  reply.headers(crossOriginHeaders);
  done();
};
