// Owns where a browser comes back to: a port of this machine, for one answer. @see RFC 8252 §7.3

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface LoopbackRedirect {
  readonly redirectUri: string;
  /** The address that the browser came back to, with `state` in it: anybody on this machine could knock here. */
  answerTo(state: string): Promise<string>;
  close(): void;
}

/** Listens on a free port of 127.0.0.1 alone. */
export const listenForRedirect = async (): Promise<LoopbackRedirect> => {
  const visited = new Set<(address: URL) => boolean>();
  const server = createServer((request, response) => {
    const address = URL.canParse(origin + request.url) ? new URL(origin + request.url) : null;
    const isAnswer =
      request.method === "GET" && address?.pathname === path && [...visited].some((take) => take(address));
    const [status, sentence] = isAnswer
      ? [200, "That is all here. Go back to the terminal; this window can be closed."]
      : [404, "Nobody waits for this."];
    response.writeHead(status, pageHeaders).end(page(sentence));
  });
  // A connection that a browser keeps for later holds up nobody.
  server.on("connection", (socket) => socket.unref());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    redirectUri: origin + path,
    answerTo: (state) =>
      new Promise((resolve) => {
        visited.add((address) => {
          if (address.searchParams.get("state") !== state) return false;
          resolve(address.href);
          return true;
        });
      }),
    close: () => server.close(),
  };
};

const path = "/callback";

/** The address of this page has a code in it, which is to be kept nowhere. */
const pageHeaders = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": "default-src 'none'",
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
  connection: "close",
};

const page = (sentence: string) =>
  `<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>Lockstep demo</title><p>${sentence}</p></html>\n`;
