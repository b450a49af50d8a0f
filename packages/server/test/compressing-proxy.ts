// Owns a reverse proxy that compresses what it forwards, with the library that `next start` and Express servers use.

import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream";
import compression from "compression";

export const startCompressingProxy = async (upstream: string) => {
  const compress = compression({ threshold: 0 }) as unknown as (
    ...call: [request: unknown, response: unknown, next: () => void]
  ) => void; // typed for Express, but it takes the requests of `node:http`
  const server = createServer((incoming, outgoing) =>
    compress(incoming, outgoing, () => {
      const options = { method: incoming.method, headers: incoming.headers };
      const forwarded = request(new URL(incoming.url ?? "/", upstream), options, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        pipeline(answer, outgoing, () => {});
      });
      outgoing.on("close", () => forwarded.destroy());
      forwarded.on("error", () => outgoing.destroy());
      pipeline(incoming, forwarded, () => {});
    }),
  );
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
};
