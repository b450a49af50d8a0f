// How the process stops: in which order, and within which time, whatever clients and the database do.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, it } from "vitest";
import { engines } from "./engines.ts";
import { openStream } from "./event-stream.ts";
import { startCluster } from "./faults/cluster.ts";

/** Longer than the time-out of a test, so that no deadline passes. */
const never = "600";

/** Runs the server as an operator does. Default: on a new database. */
const start = async (env: Record<string, string>, databaseUrl?: string) => {
  const database = databaseUrl === undefined ? await engines[0].newDatabase() : null;
  const child = spawn(process.execPath, [join(import.meta.dirname, "main-process.ts")], {
    env: {
      PATH: process.env["PATH"],
      PORT: String(await freePort()),
      HOST: "127.0.0.1",
      SECRET: "a secret of tests, of thirty-two characters",
      BCRYPT_COST: "10",
      DATABASE_URL: databaseUrl ?? database?.url,
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = once(child, "exit") as Promise<[number | null]>;
  const stderr = text(child.stderr);
  const [line] = (await Promise.race([once(child.stdout, "data"), exited])) as [unknown];
  const url = /http:\/\/localhost:(\d+)/.exec(String(line));
  if (!url) throw new Error(`The server did not start: ${await stderr}`);
  const port = Number(url[1]);
  const sockets: Socket[] = [];
  return {
    url: `http://127.0.0.1:${port}`,
    signal: (name: "SIGTERM" | "SIGINT") => child.kill(name),
    exitCode: async () => (await exited)[0],
    stderr,
    /** A connection on which nothing was sent. */
    async connect() {
      const socket = connect(port, "127.0.0.1");
      sockets.push(socket);
      await once(socket, "connect");
      socket.on("error", () => {});
      return socket;
    },
    async accepts() {
      const probe = connect(port, "127.0.0.1");
      const accepted = await once(probe, "connect").then(
        () => true,
        () => false,
      );
      probe.destroy();
      return accepted;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      child.kill("SIGKILL");
      await exited;
      await database?.drop();
    },
  };
};

const freePort = async (): Promise<number> => {
  const { createServer } = await import("node:net");
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, "close");
  return port;
};

type Server = Awaited<ReturnType<typeof start>>;

const credentials = JSON.stringify({ username: "john", password: "secret" });

const signIn = async ({ url }: Server): Promise<string> => {
  const response = await fetch(`${url}/trpc/auth.login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: credentials,
  });
  const { result } = (await response.json()) as { result: { data: { accessToken: string } } };
  return result.data.accessToken;
};

const signInHead = `POST /trpc/auth.login HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${credentials.length}\r\n`;

/** Sends a part of a request, and waits until the server has read it. */
const sendHalf = async (socket: Socket) => {
  socket.write(`GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n${signInHead}\r\n${credentials.slice(0, 5)}`);
  await once(socket, "data");
};

it("answers the call in progress, closes its connection and exits with 0", async () => {
  await using server = await start({ SHUTDOWN_TIMEOUT_SECONDS: never });
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
  await using server = await start({ SHUTDOWN_TIMEOUT_SECONDS: never });
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
  await using server = await start({ SHUTDOWN_TIMEOUT_SECONDS: never });
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
  await using server = await start({ SHUTDOWN_TIMEOUT_SECONDS: "0.2" });
  const socket = await server.connect();
  socket.write(`GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n${bytes}`);
  await once(socket, "data");
  server.signal("SIGTERM");
  expect(await server.exitCode()).toBe(0);
  expect(await server.stderr).toBe("");
});

it("exits with 0 at the deadline while PostgreSQL is frozen", async () => {
  await using cluster = await startCluster();
  await using server = await start({ SHUTDOWN_TIMEOUT_SECONDS: "0.2" }, cluster.url);
  const socket = await server.connect();
  await cluster.freeze();
  // A call that waits for the database.
  socket.write(`${signInHead}\r\n${credentials}`);
  server.signal("SIGTERM");
  expect(await server.exitCode()).toBe(0);
  expect(await server.stderr).toBe("");
});

it("during the delay, is not ready, answers calls, sends events and closes connections after calls; a second signal ends it at once", async () => {
  await using server = await start({ SHUTDOWN_DELAY_SECONDS: never });
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
