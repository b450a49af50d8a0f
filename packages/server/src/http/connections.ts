// Owns failures before a request reaches a route: requests that Node cannot parse or that time out, and a missing,
// repeated or invalid `Host`. All are answered in the contract's shape.

import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { EngineErrorCode } from "@lockstep/kit";
import { DomainError } from "../domain/kernel/domain-error.ts";
import { errorShape } from "../rpc/errors.ts";

/** Node's options that go with `answerClientError` and `isHostValid`. */
export const nodeOptions = (requestTimeoutMs: number) => ({
  // Also for the headers: Node uses the smaller of this and a minute.
  requestTimeout: requestTimeoutMs,
  // How often Node checks for requests that took too long. Its default would let one of 30 s last for 60.
  connectionsCheckingInterval: Math.ceil(requestTimeoutMs / 10),
  // Node would answer without a body.
  requireHostHeader: false,
});

/**
 * Tracks the pending response of each connection, closes connections after their response during a shutdown, and
 * answers unknown `Expect` headers like any other request.
 */
export const followConnections = (server: Server, isDraining: () => boolean) => {
  /** The newest response on each open connection; `null` before its first request. */
  const answers = new Map<Duplex, ServerResponse | null>();
  server.on("connection", (socket) => {
    answers.set(socket, null);
    socket.once("close", () => answers.delete(socket));
  });
  // Before the handler, which may answer at once.
  server.prependListener("request", (request, response) => {
    answers.set(request.socket, response);
    // The next call then comes over a new connection, which a load balancer opens to another server.
    if (isDraining()) response.shouldKeepAlive = false;
  });
  // RFC 9110 §10.1.1: a server may ignore an unknown expectation.
  server.on("checkExpectation", (request: IncomingMessage, response: ServerResponse) =>
    server.emit("request", request, response),
  );
  return {
    answeringOn: (socket: Duplex): ServerResponse | undefined => answers.get(socket) ?? undefined,

    /** Closes each connection after its pending response. Node closes idle connections. */
    closeWhenAnswered() {
      for (const [socket, response] of answers) {
        // Node counts a connection without any request as active, such as one that a browser opened in advance.
        if (response === null && (socket as Socket).bytesRead === 0) socket.destroy();
        else if (response?.headersSent === false) response.shouldKeepAlive = false;
        else response?.once("finish", () => (socket as Socket).destroySoon());
      }
    },
  };
};

const codeOf: Readonly<Record<string, EngineErrorCode>> = {
  HPE_HEADER_OVERFLOW: "HEADERS_TOO_LARGE",
  HPE_CHUNK_EXTENSIONS_OVERFLOW: "PAYLOAD_TOO_LARGE",
  ERR_HTTP_REQUEST_TIMEOUT: "REQUEST_TIMEOUT",
};

/** Answers a request that Node could not parse, and closes its connection. */
export const answerClientError = (
  error: Error & { readonly code?: string },
  socket: Duplex,
  { headers, requestId, answering }: AnswerOptions,
): void => {
  // The peer is gone, or would read this as a part of a pending response.
  if (error.code === "ECONNRESET" || !socket.writable || (answering?.headersSent && !answering.writableFinished)) {
    socket.destroy();
    return;
  }
  const shape = errorShape(new DomainError(codeOf[error.code ?? ""] ?? "MALFORMED_REQUEST"), requestId);
  const body = JSON.stringify({ error: shape });
  const { httpStatus } = shape.data;
  const lines = Object.entries({
    ...headers,
    "cache-control": "no-store",
    "content-type": "application/json; charset=utf-8",
    "content-length": Buffer.byteLength(body),
    "x-request-id": requestId,
    connection: "close",
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${httpStatus} ${STATUS_CODES[httpStatus]}\r\n${lines.join("")}\r\n${body}`, () =>
    socket.destroy(),
  );
};

interface AnswerOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly requestId: string;
  /** The newest response on this connection, if any. */
  readonly answering: ServerResponse | undefined;
}

/** Whether a request names one host, as RFC 9112 §3.2 requires. HTTP/1.0 may name none, as some health checks do. */
export const isHostValid = ({ rawHeaders, httpVersionMajor, httpVersionMinor }: IncomingMessage): boolean => {
  let host: string | undefined;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    if (name.length !== 4 || name.toLowerCase() !== "host") continue;
    if (host !== undefined) return false;
    host = rawHeaders[index + 1];
  }
  if (host === undefined) return httpVersionMajor === 1 && httpVersionMinor === 0;
  if (host === lastValidHost) return true;
  if (!hostPattern.test(host) || !URL.canParse(`http://${host}`)) return false;
  lastValidHost = host;
  return true;
};

/** A name or an address, with an optional port. No user, path or escapes. */
const hostPattern = /^(?:[\w.~!$&'()*+,;=-]+|\[[\da-f:.]+\])(?::\d*)?$/i;

/** The form of nearly all requests. */
let lastValidHost: string | undefined;
