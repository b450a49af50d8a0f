// How the process stops: in which order, and within which time, whatever clients and the database do.

import { once } from "node:events";
import type { Socket } from "node:net";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { openStream } from "./event-stream.ts";
import { startCluster } from "./faults/cluster.ts";
import { credentials, signIn, startMain } from "./main-server.ts";

/** Longer than the time-out of a test, so that no deadline passes. */
const never = "600";

const signInHead = `POST /trpc/auth.login HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${credentials.length}\r\n`;

/** Sends a part of a request, and waits until the server has read it. */
const sendHalf = async (socket: Socket) => {
  socket.write(`GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n${signInHead}\r\n${credentials.slice(0, 5)}`);
  await once(socket, "data");
};

it("answers the call in progress, closes its connection and exits with 0", async () => {
  await using server = await startMain({ SHUTDOWN_TIMEOUT_SECONDS: never });
  const socket = await server.connect();
  await sendHalf(socket);
  server.signal("SIGTERM");
  await expect.poll(server.accepts).toBe(false);
  const answer = text(socket);
  socket.write(credentials.slice(5));
  expect(await answer).toMatch(/^HTTP\/1\.1 200 .*connection: close.*"accessToken"/is);
  expect(await server.exitCode()).toBe(0);
});

it("answers a call that arrives on a connection in use after the server stopped accepting", async () => {
  await using server = await startMain({ SHUTDOWN_TIMEOUT_SECONDS: never });
  const socket = await server.connect();
  socket.write("GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\nGET /healthz HTTP/1.1\r\nhost: lo");
  await once(socket, "data");
  server.signal("SIGINT");
  await expect.poll(server.accepts).toBe(false);
  const answer = text(socket);
  socket.write("calhost\r\n\r\n");
  expect(await answer).toMatch(/^HTTP\/1\.1 200 .*connection: close/is);
  expect(await server.exitCode()).toBe(0);
});

it("ends streams after it stopped accepting, and does not wait for idle connections", async () => {
  await using server = await startMain({ SHUTDOWN_TIMEOUT_SECONDS: never });
  const stream = await openStream(`${server.url}/trpc/session.events`, {
    authorization: `Bearer ${await signIn(server)}`,
  });
  const idle = await server.connect();
  idle.write("GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n");
  await once(idle, "data");
  // Connected without a request, as browsers do in advance.
  await server.connect();
  server.signal("SIGTERM");
  let last = await stream.next();
  for (let next = last; next?.type !== "return" && next !== null; last = next) next = await stream.next();
  expect(last?.type).toBe("return");
  expect(await server.accepts()).toBe(false);
  expect(await server.exitCode()).toBe(0);
});

it.each([
  ["headers", "GET / HTTP/1.1\r\nhost: lo"],
  ["a body", `${signInHead}\r\n{`],
])("exits with 0 at the deadline while a client has sent only half of %s", async (_, bytes) => {
  await using server = await startMain({ SHUTDOWN_TIMEOUT_SECONDS: "0.2" });
  const socket = await server.connect();
  socket.write(`GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n${bytes}`);
  await once(socket, "data");
  server.signal("SIGTERM");
  expect(await server.exitCode()).toBe(0);
  expect(await server.stderr).toBe("");
});

it("exits with 0 at the deadline while PostgreSQL is frozen", async () => {
  await using cluster = await startCluster();
  await using server = await startMain({ SHUTDOWN_TIMEOUT_SECONDS: "0.2" }, cluster.url);
  const socket = await server.connect();
  await cluster.freeze();
  // A call that waits for the database.
  socket.write(`${signInHead}\r\n${credentials}`);
  server.signal("SIGTERM");
  expect(await server.exitCode()).toBe(0);
  expect(await server.stderr).toBe("");
});

it("during the delay, is not ready, answers calls, sends events and closes connections after calls; a second signal ends it at once", async () => {
  await using server = await startMain({ SHUTDOWN_DELAY_SECONDS: never });
  const readiness = async () => {
    const response = await fetch(`${server.url}/readyz`);
    return [response.status, response.headers.get("connection"), await response.json()];
  };
  expect(await readiness()).toEqual([200, "keep-alive", { status: "ready" }]);
  const stream = await openStream(`${server.url}/trpc/session.events`, {
    authorization: `Bearer ${await signIn(server)}`,
  });
  expect(await stream.next()).toMatchObject({ type: "connected" });
  expect(await stream.next()).toMatchObject({ data: { type: "watching" } });
  server.signal("SIGTERM");
  await expect.poll(readiness).toEqual([503, "close", { status: "not ready", reason: "shutting down" }]);
  expect(await server.accepts()).toBe(true);
  expect(await signIn(server)).toMatch(/./);
  expect(await stream.next()).toMatchObject({ data: { type: "signed_in" } });
  server.signal("SIGINT");
  expect(await server.exitCode()).toBe(1);
  expect(await server.stderr).toBe("Stopped by a second signal, before the shutdown was complete.\n");
});

describe("the log of requests", () => {
  const start = () => startMain({ LOG_REQUESTS: "on", LOG_LEVEL: "info", SHUTDOWN_TIMEOUT_SECONDS: never });
  const requestsIn = (printed: string) =>
    printed
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ msg }) => msg === "request");

  it("loses no line when the server is stopped, not that of the last answer either", async () => {
    await using server = await start();
    const socket = await server.connect();
    await sendHalf(socket);
    const ids = await Promise.all(
      Array.from({ length: 300 }, async () => {
        const answer = await fetch(`${server.url}/users/me`);
        await answer.text();
        return answer.headers.get("x-request-id");
      }),
    );
    server.signal("SIGTERM");
    await expect.poll(server.accepts).toBe(false);
    socket.write(credentials.slice(5));
    const lastId = /^x-request-id: (.+)$/im.exec(await text(socket))?.[1]?.trim();
    expect(await server.exitCode()).toBe(0);
    await server.stdoutEnd;
    const byId = new Map(requestsIn(server.printed()).map((entry) => [entry["reqId"], entry]));
    expect(ids.filter((id) => !byId.has(id))).toEqual([]);
    for (const id of ids)
      expect(byId.get(id)).toEqual({
        level: 30,
        time: expect.any(Number),
        pid: server.processId,
        hostname: expect.any(String),
        reqId: id,
        method: "GET",
        route: "/users/me",
        status: 401,
        durationMs: expect.any(Number),
        address: "127.0.0.1",
        msg: "request",
      });
    expect(byId.get(lastId)).toMatchObject({ route: "/trpc/:path", operations: ["auth.login"], status: 200 });
  });

  it("loses no line when a second signal ends the process at once", async () => {
    await using server = await start();
    const [answered, pending] = [await server.connect(), await server.connect()];
    await Promise.all([sendHalf(answered), sendHalf(pending)]);
    server.signal("SIGTERM");
    await expect.poll(server.accepts).toBe(false);
    answered.write(credentials.slice(5));
    const answer = await text(answered);
    // The other call keeps the shutdown from being complete.
    server.signal("SIGTERM");
    expect(await server.exitCode()).toBe(1);
    await server.stdoutEnd;
    const id = /^x-request-id: (.+)$/im.exec(answer)?.[1]?.trim();
    expect(requestsIn(server.printed())).toContainEqual(expect.objectContaining({ reqId: id, status: 200 }));
  });
});
