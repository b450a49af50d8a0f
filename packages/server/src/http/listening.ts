// Owns the addresses that the server listens on. `localhost` can be two, 127.0.0.1 and ::1. Fastify would create a
// second HTTP server for the second one, whose connections a shutdown does not see; here both belong to the one HTTP
// server.

import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import type { FastifyInstance } from "fastify";

export interface ListenOptions {
  readonly host: string;
  /** 0: a free port. */
  readonly port: number;
  /** All addresses of `localhost`. */
  readonly addressesOfLocalhost?: () => Promise<string[]>;
}

const lookUpLocalhost = async () => (await lookup("localhost", { all: true })).map(({ address }) => address);

/** Prepares the instance to listen. Call it before it does. */
export const createListening = (app: FastifyInstance) => {
  const others: Server[] = [];
  let closed: Promise<unknown> = Promise.resolve();

  app.addHook("preClose", (done) => {
    closed = Promise.all(others.map((each) => new Promise((resolve) => each.close(resolve))));
    done();
  });

  return {
    /** Starts to listen, and returns the first address as a URL. Rejects when that address is not available. */
    async listen({ host, port, addressesOfLocalhost = lookUpLocalhost }: ListenOptions): Promise<string> {
      const [first = host, ...more] = host === "localhost" ? await addressesOfLocalhost() : [host];
      const url = await app.listen({ host: first, port });
      const bound = (app.server.address() as AddressInfo).port;
      for (const address of more) {
        const other = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
          app.server.emit("connection", socket);
        }).listen({ host: address, port: bound });
        // A machine may resolve localhost to an address that it does not have.
        await once(other, "listening").then(
          () => others.push(other),
          () => {},
        );
      }
      return url;
    },

    /** Settles when the server has stopped listening and all connections to the other addresses have ended. */
    closed: () => closed,
  };
};
