// Owns the redirect URI of a native client: a port of this machine that accepts one authorization response.
// @see RFC 8252 §7.3

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface LoopbackRedirect {
  readonly redirectUri: string;
  /** The URL of the response that carries `state`. Other requests get 404: any program on this machine can send them. */
  responseTo(state: string): Promise<string>;
  close(): void;
}

/** Listens on a free port of 127.0.0.1 only. */
export const listenForRedirect = async (): Promise<LoopbackRedirect> => {
  const waiting = new Set<(url: URL) => boolean>();
  const server = createServer((request, response) => {
    const url = URL.canParse(origin + request.url) ? new URL(origin + request.url) : null;
    const accepted = request.method === "GET" && url?.pathname === path && [...waiting].some((accept) => accept(url));
    const [status, sentence] = accepted
      ? [200, "Go back to the terminal. You can close this window."]
      : [404, "This address expects no request."];
    response.writeHead(status, pageHeaders).end(page(sentence));
  });
  // A connection that a browser keeps open must not keep the process running.
  server.on("connection", (socket) => socket.unref());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    redirectUri: origin + path,
    responseTo: (state) =>
      new Promise((resolve) => {
        waiting.add((url) => {
          if (url.searchParams.get("state") !== state) return false;
          resolve(url.href);
          return true;
        });
      }),
    close: () => server.close(),
  };
};

const path = "/callback";

/** The page's URL contains an authorization code: it must not be cached or sent as a referrer. */
const pageHeaders = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": "default-src 'none'",
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
  connection: "close",
};

const page = (sentence: string) =>
  `<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>Lockstep demo</title><p>${sentence}</p></html>\n`;
