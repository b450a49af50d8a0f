import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { expect, it, onTestFinished } from "vitest";
import { engines } from "../../test/engines.ts";
import { fixtureApp } from "../fixture-app.ts";
import { createServer } from "../server.ts";
import { testConfig, testWorld } from "../testing.ts";

/** A server on the addresses of `localhost` that the test chooses. */
const listenAtLocalhost = async (addresses: string[]) => {
  const database = await engines[0].newDatabase();
  const server = await createServer({ app: fixtureApp, config: testConfig(database.url), world: testWorld(Date.now) });
  onTestFinished(() => database.drop());
  const url = await server.listen({ host: "localhost", port: 0, addressesOfLocalhost: async () => addresses });
  return { ...server, port: Number(new URL(url).port) };
};

const accepts = async (address: string, port: number) => {
  const probe = connect(port, address);
  const accepted = await once(probe, "connect").then(
    () => true,
    () => false,
  );
  probe.destroy();
  return accepted;
};

it("listens on each address of localhost, and answers pending calls before it closes", async () => {
  const addresses = ["127.0.0.1", "127.0.0.2"];
  const { port, close } = await listenAtLocalhost(addresses);
  const sockets = await Promise.all(
    addresses.map(async (address) => {
      const socket = connect(port, address);
      socket.write("GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\nGET /healthz HTTP/1.1\r\nhost: lo");
      await once(socket, "data");
      return socket;
    }),
  );
  let open = true;
  const closed = close().then(() => {
    open = false;
  });
  for (const address of addresses) await expect.poll(() => accepts(address, port)).toBe(false);
  for (const [n, socket] of sockets.entries()) {
    expect({ n, open }).toEqual({ n, open: true });
    const answer = text(socket);
    socket.write("calhost\r\n\r\n");
    expect(await answer).toMatch(/^HTTP\/1\.1 200 .*connection: close/is);
  }
  await closed;
});

it("listens on the addresses of localhost that the machine has", async () => {
  // TEST-NET-1: not assigned.
  const { port, close } = await listenAtLocalhost(["127.0.0.1", "192.0.2.1"]);
  expect(await accepts("127.0.0.1", port)).toBe(true);
  await close();
});
