// Owns which responses pages of any origin may read (CORS), including errors. A token travels in a header that a page
// sets on purpose, and credentials are off: a page reads nothing here that it could not request from a server.

import type { ServerResponse } from "node:http";
import type { onRequestHookHandler } from "fastify";

/** Response headers that pages may read, besides the safelisted ones. */
export const exposedHeaders = ["www-authenticate", "dpop-nonce", "retry-after", "x-request-id"];

/** For responses that are sent before the authorization server knows the client, and for public ones. */
export const crossOriginHeaders: Readonly<Record<string, string>> = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": exposedHeaders.join(", "),
};

const answers = new WeakSet<ServerResponse>();

/** Marks routes with their own CORS; `isCrossOrigin` tells it to code that refuses requests before or around them. */
export const markCrossOrigin: onRequestHookHandler = (_request, reply, done) => {
  answers.add(reply.raw);
  done();
};

export const isCrossOrigin = (answer: ServerResponse | undefined): boolean =>
  answer !== undefined && answers.has(answer);

/** For routes with the same answer for everybody, such as metadata. */
export const allowAnyOrigin: onRequestHookHandler = (_request, reply, done) => {
  reply.headers(crossOriginHeaders);
  done();
};
