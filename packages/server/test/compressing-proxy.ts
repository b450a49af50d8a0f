// Owns a reverse proxy that compresses what it forwards, with the library that `next start` and Express servers use.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import compression from "compression";
import { forward } from "./forward.ts";

export const startCompressingProxy = async (upstream: string) => {
  const compress = compression({ threshold: 0 }) as unknown as (
    ...call: [request: unknown, response: unknown, next: () => void]
  ) => void; // typed for Express, but it takes the requests of `node:http`
  const server = createServer((incoming, outgoing) =>
    compress(incoming, outgoing, () => forward(incoming, outgoing, { upstream })),
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
