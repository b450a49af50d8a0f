// Owns which responses pages of other origins may read (CORS), including errors. REST, `/token` and public documents
// answer any origin, without credentials: a token travels in a header that a page sets on purpose, so a page reads
// nothing here that it could not request from a server. RPC also takes the session cookie, so it answers only the pages
// of `ALLOWED_ORIGINS`. `cookies.ts` owns which requests may use the cookie.

import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import type { FastifyCorsOptions, FastifyCorsOptionsDelegate } from "@fastify/cors";
import type { onRequestHookHandler } from "fastify";

/** Response headers that pages may read, besides the safelisted ones. */
const exposedHeaders = ["www-authenticate", "dpop-nonce", "retry-after", "x-request-id"];

type Headers = Readonly<Record<string, string>>;

/** For responses that are sent before the authorization server knows the client, and for public ones. */
export const crossOriginHeaders: Headers = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": exposedHeaders.join(", "),
};

/** Every preflight is answered, with the headers that it asks for: tracing and libraries add their own. */
const preflights = {
  exposedHeaders,
  // Seconds. Chromium's maximum; browsers keep an answer for one URL only, so a short time would help little.
  maxAge: 2 * 60 * 60,
  strictPreflight: false,
} satisfies FastifyCorsOptions;

/** CORS of REST, `/token` and registration. */
export const anyOriginCors: FastifyCorsOptions = {
  ...preflights,
  origin: "*",
  methods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
};

/** CORS of RPC: for pages of `allowedOrigins`, compared as text. */
export const rpcCorsFor = (allowedOrigins: readonly string[]) => {
  const allowed = new Set(allowedOrigins);

  const headersOf = ({ origin, "sec-fetch-site": site }: IncomingHttpHeaders): Headers => {
    if (origin === undefined || !allowed.has(origin)) return {};
    return {
      ...crossOriginHeaders,
      "access-control-allow-origin": origin,
      // Browsers send the session cookie within one site only, so pages of another site need no credentials.
      ...(site !== "cross-site" && { "access-control-allow-credentials": "true" }),
    };
  };

  const options: FastifyCorsOptionsDelegate = (request, done) => {
    const headers = headersOf(request.headers);
    const origin = headers["access-control-allow-origin"] ?? false;
    const credentials = "access-control-allow-credentials" in headers;
    done(null, { ...preflights, origin, credentials, methods: ["GET", "POST"] });
  };

  return {
    /** For `@fastify/cors`. */
    options,
    /** For a refusal before the request reached a route. */
    headersOf,
    /** Marks the response, as `markCrossOrigin` does. */
    mark: ((request, reply, done) => {
      answers.set(reply.raw, headersOf(request.headers));
      done();
    }) satisfies onRequestHookHandler,
  };
};

const answers = new WeakMap<ServerResponse, Headers>();

/** Marks routes that answer any origin, for code that refuses requests before or around them. */
export const markCrossOrigin: onRequestHookHandler = (_request, reply, done) => {
  answers.set(reply.raw, crossOriginHeaders);
  done();
};

/** The CORS headers of the marked response. */
export const crossOriginHeadersOf = (answer: ServerResponse | undefined): Headers =>
  (answer && answers.get(answer)) ?? {};

/** For routes with the same answer for everybody, such as metadata. */
export const allowAnyOrigin: onRequestHookHandler = (_request, reply, done) => {
  reply.headers(crossOriginHeaders);
  done();
};
