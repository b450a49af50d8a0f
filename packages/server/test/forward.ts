// Owns what the reverse proxies of tests have in common: passing one request on, and its answer back.

import {
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request,
  type ServerResponse,
} from "node:http";
import { pipeline } from "node:stream";

export interface Forwarding {
  readonly upstream: string;
  /** Default: those that came. */
  readonly headers?: IncomingHttpHeaders;
  /** The headers of the answer. Default: those that came. */
  readonly answered?: (headers: IncomingHttpHeaders) => OutgoingHttpHeaders;
}

export const forward = (
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { upstream, headers = incoming.headers, answered = (own) => own }: Forwarding,
): void => {
  const forwarded = request(new URL(incoming.url ?? "/", upstream), { method: incoming.method, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answered(answer.headers));
    pipeline(answer, outgoing, () => {});
  });
  outgoing.on("close", () => forwarded.destroy());
  forwarded.on("error", () => outgoing.destroy());
  pipeline(incoming, forwarded, () => {});
};
