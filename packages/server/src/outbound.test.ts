import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { createOutbound, type Lookup } from "./outbound.ts";
import { testWorld } from "./testing.ts";

const { lookup, timeoutMs } = testWorld(Date.now).outbound;

/** Resolves hosts to `addresses`. */
const lookupOf = (addresses: readonly string[]) =>
  ((_host: string, _options: unknown, answer: (error: null, found: object[]) => void) => {
    answer(
      null,
      addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
    );
  }) as unknown as Lookup;

const serve = async (answer: (request: IncomingMessage, response: ServerResponse) => void) => {
  let requests = 0;
  const server = createServer((request, response) => {
    requests++;
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/`,
    requests: () => requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

const fetchHere = (options = { lookup, timeoutMs }) =>
  createOutbound(options).fetchFor({ allowPrivateAddresses: true });

describe("a request to an address from outside", () => {
  it.each([
    "https://127.0.0.1/",
    "https://10.1.2.3/",
    "https://169.254.169.254/latest/meta-data/",
    "https://192.168.0.1/",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[fd00::1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
  ])("is not sent to %s", async (address) => {
    const fetch = createOutbound({ lookup, timeoutMs }).fetchFor({ allowPrivateAddresses: false });
    await expect(fetch(address)).rejects.toThrow("its address is private");
  });

  it.each([[["127.0.0.1"]], [["93.184.216.34", "10.0.0.1"]], [["::1"]], [["fe80::1"]], [[]]])(
    "is not sent to a name that resolves to %j",
    async (addresses) => {
      const fetch = createOutbound({ lookup: lookupOf(addresses), timeoutMs }).fetchFor({
        allowPrivateAddresses: false,
      });
      await expect(fetch("https://id.example.com/")).rejects.toThrow(
        "id.example.com is not requested: its address is private",
      );
    },
  );

  it("uses https only, except to this machine when the settings allow it", async () => {
    const { fetchFor } = createOutbound({ lookup, timeoutMs });
    await expect(fetchFor({ allowPrivateAddresses: false })("http://localhost/")).rejects.toThrow(
      "it does not use https",
    );
    await expect(fetchFor({ allowPrivateAddresses: true })("http://id.example.com/")).rejects.toThrow(
      "it does not use https",
    );
    await expect(fetchFor({ allowPrivateAddresses: true })("ftp://localhost/")).rejects.toThrow(
      "it does not use https",
    );
    await expect(fetchFor({ allowPrivateAddresses: true })("https://u:p@localhost/")).rejects.toThrow("a password");
  });

  it("returns the response", async () => {
    await using server = await serve((_, response) =>
      response.writeHead(201, { "content-type": "application/json" }).end('{"a":1}'),
    );
    const response = await fetchHere()(server.url);
    expect([response.status, response.headers.get("content-type"), await response.json()]).toEqual([
      201,
      "application/json",
      { a: 1 },
    ]);
  });

  it("follows no redirect", async () => {
    await using elsewhere = await serve((_, response) => response.end("secret"));
    await using server = await serve((_, response) => response.writeHead(302, { location: elsewhere.url }).end());
    await expect(fetchHere()(server.url)).rejects.toThrow("a redirect, which is not followed");
    expect(elsewhere.requests()).toBe(0);
  });

  it.each([
    ["", {}, Buffer.alloc(257 * 1024)],
    [", however small it is on the way", { "content-encoding": "gzip" }, gzipSync(Buffer.alloc(8 * 1024 * 1024))],
  ])("does not read a response that is too large%s", async (_name, headers, body) => {
    await using server = await serve((_, response) => response.writeHead(200, headers).end(body));
    await expect(fetchHere()(server.url)).rejects.toThrow("answered with more than the size limit");
  });

  it.each<[string, (request: IncomingMessage, response: ServerResponse) => void]>([
    ["before it answers", () => {}],
    ["in the middle of its answer", (_, response) => void response.writeHead(200).write("{")],
  ])("does not wait for a server that stops %s", async (_name, answer) => {
    await using server = await serve(answer);
    await expect(fetchHere({ lookup, timeoutMs: 200 })(server.url)).rejects.toThrow(
      "did not answer within 0.2 seconds",
    );
  });

  it("is sent again once when the connection broke, if it is a GET", async () => {
    await using server = await serve((request, response) => {
      if (server.requests() === 1) request.socket.destroy();
      else response.end("{}");
    });
    expect((await fetchHere()(server.url)).status).toBe(200);
    await using broken = await serve((request) => request.socket.destroy());
    await expect(fetchHere()(broken.url)).rejects.toThrow("cannot be reached");
    expect(broken.requests()).toBe(2);
    await expect(fetchHere()(broken.url, { method: "POST" })).rejects.toThrow("cannot be reached");
    expect(broken.requests()).toBe(3);
  });
});
