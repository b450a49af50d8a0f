// Owns a server that tests run as an operator does: a process with settings in its environment, and signals.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { engines } from "./engines.ts";

/** Runs the server as an operator does. Default: on a new database. */
export const startMain = async (env: Record<string, string>, databaseUrl?: string) => {
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
  let stdout = "";
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
  });
  const urlIn = (printed: string) => /http:\/\/localhost:(\d+)/.exec(printed);
  // Entries of the log may come first.
  while (!urlIn(stdout) && child.exitCode === null) await Promise.race([once(child.stdout, "data"), exited]);
  const url = urlIn(stdout);
  if (!url) throw new Error(`The server did not start: ${await stderr}`);
  const port = Number(url[1]);
  const sockets: Socket[] = [];
  const stdoutEnd = once(child.stdout, "end");
  return {
    url: `http://127.0.0.1:${port}`,
    processId: child.pid ?? 0,
    /** What it has printed so far. */
    printed: () => stdout,
    /** Settles when all that it printed has arrived. */
    stdoutEnd,
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
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, "close");
  return port;
};

export type MainServer = Awaited<ReturnType<typeof startMain>>;

export const credentials = JSON.stringify({ username: "john", password: "secret" });

export const signIn = async ({ url }: MainServer): Promise<string> => {
  const response = await fetch(`${url}/trpc/auth.login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: credentials,
  });
  const { result } = (await response.json()) as { result: { data: { accessToken: string } } };
  return result.data.accessToken;
};
