import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it } from "vitest";
import { startTestServer } from "../testing.ts";

/** In place of Vite: answers with the requested URL, and sends a message over WebSocket. */
const startUpstream = async () => {
  const upstream = createServer((request, response) => response.end(`${request.method} ${request.url}`));
  upstream.on("upgrade", (request, socket) => {
    // RFC 6455 §4.2.2, and one text frame.
    const accept = createHash("sha1")
      .update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest("base64");
    const text = Buffer.from(`${request.headers["sec-websocket-protocol"]} at ${request.url}`);
    socket.write(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
        `Sec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: ${request.headers["sec-websocket-protocol"]}\r\n\r\n`,
    );
    socket.write(Buffer.concat([Buffer.from([0x81, text.length]), text]));
    // The only message of the client in this test is a close.
    socket.on("data", () => socket.end()).on("error", () => {});
  });
  upstream.listen(0, "127.0.0.1");
  await once(upstream, "listening");
  return {
    url: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      upstream.closeAllConnections();
      await new Promise((resolve) => upstream.close(resolve));
    },
  };
};

it("serves pages and modules from Vite in development, beside its own routes", async () => {
  await using vite = await startUpstream();
  await using server = await startTestServer({ config: { webDevUrl: vite.url } });
  const get = async (path: string) => (await fetch(server.url + path)).text();
  expect(await get("/")).toBe("GET /");
  expect(await get("/src/main.tsx?t=1")).toBe("GET /src/main.tsx?t=1");
  expect(await (await fetch(`${server.url}/healthz`)).json()).toEqual({ status: "ok" });
  const preflight = await fetch(`${server.url}/users/me`, { method: "OPTIONS" });
  expect(preflight.headers.get("access-control-allow-origin")).toBe("*");
});

it("carries Vite's hot updates over WebSocket in development", async () => {
  await using vite = await startUpstream();
  await using server = await startTestServer({ config: { webDevUrl: vite.url } });
  const socket = new WebSocket(`${server.url.replace("http", "ws")}/?token=abc`, "vite-hmr");
  const message = await new Promise((resolve, reject) => {
    socket.onmessage = ({ data }) => resolve(data);
    socket.onerror = () => reject(new Error("The connection failed"));
  });
  expect(message).toBe("vite-hmr at /?token=abc");
  const closed = new Promise((resolve) => {
    socket.onclose = resolve;
  });
  socket.close();
  await closed;
});
