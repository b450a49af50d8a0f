// Owns a reverse proxy that tests let change the headers of what it forwards.

import { createServer, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { forward } from "./forward.ts";

/** What the proxy does. Each may change the headers in place. */
export interface Behaviour {
  readonly request?: (headers: IncomingHttpHeaders, from: string) => void;
  readonly answer?: (headers: OutgoingHttpHeaders) => void;
  /** Answers in place of the server, with this body. `null`: the path is forwarded. */
  readonly instead?: (path: string) => { status: number; body: string } | null;
}

/** As most proxies do by default. */
export const appendForwardedFor: NonNullable<Behaviour["request"]> = (headers, from) => {
  headers["x-forwarded-for"] = [headers["x-forwarded-for"] ?? [], from].flat().join(", ");
};

export const startChangingProxy = async () => {
  let upstream = "";
  let behaviour: Behaviour = {};
  const server = createServer((incoming, outgoing) => {
    const path = incoming.url ?? "/";
    const instead = behaviour.instead?.(path);
    if (instead) return outgoing.writeHead(instead.status).end(instead.body);
    const headers = { ...incoming.headers };
    behaviour.request?.(headers, incoming.socket.remoteAddress ?? "");
    forward(incoming, outgoing, {
      upstream,
      headers,
      answered(own) {
        const changed: OutgoingHttpHeaders = { ...own };
        behaviour.answer?.(changed);
        return changed;
      },
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    forwardTo(url: string): void {
      upstream = url;
    },
    behave(next: Behaviour): void {
      behaviour = next;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
};
