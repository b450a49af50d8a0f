// Several processes on one port (`WORKERS`): they share calls and metrics, are replaced when they end, and stop together.

import { fork } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, inject, it } from "vitest";
import { engines, type NewDatabase } from "./engines.ts";
import { openStream } from "./event-stream.ts";
import { credentials, type MainServer, signIn, startMain } from "./main-server.ts";
import type { WorkersScript } from "./workers-process.ts";

const postgres = engines[1];
const token = "a-token-of-tests-with-at-least-thirty-two-characters";

const withDatabase = async (run: (database: NewDatabase) => Promise<void>) => {
  const database = await postgres.newDatabase("migrated");
  try {
    await run(database);
  } finally {
    await database.drop();
  }
};

/** Linux's own list of processes. */
const workersOf = ({ processId }: MainServer): number[] =>
  readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0 && statusOf(pid).includes(`PPid:\t${processId}\n`));

/** Empty: there is no such process any more. */
const statusOf = (pid: number): string => {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return /^State:\tZ/m.test(status) ? "" : status;
  } catch {
    return "";
  }
};

/** The value of a series, read over a connection of its own. */
const figure = async ({ url }: MainServer, series: string): Promise<number | null> => {
  const headers = { authorization: `Bearer ${token}`, connection: "close" };
  const body = await (await fetch(`${url}/metrics`, { headers })).text();
  const line = body.split("\n").find((each) => each.startsWith(`${series} `));
  return line === undefined ? null : Number(line.slice(series.length));
};

/** Calls over a connection of its own, so that the workers take turns. */
const call = async ({ url }: MainServer, accessToken: string): Promise<number> =>
  (await fetch(`${url}/trpc/user.me`, { headers: { authorization: `Bearer ${accessToken}`, connection: "close" } }))
    .status;

describe.runIf(process.platform === "linux")("a server with two workers", () => {
  it("shares calls, adds up metrics, and replaces a worker that is killed while the other one answers", async () => {
    await withDatabase(async ({ url: databaseUrl }) => {
      await using server = await startMain({ WORKERS: "2", METRICS_TOKEN: token }, databaseUrl);
      expect(server.printed().match(/is ready/g)).toHaveLength(1);
      const accessToken = await signIn(server);
      const calls = 'lockstep_calls_total{operation="user.me",code="OK"}';
      expect(await Promise.all(Array.from({ length: 10 }, () => call(server, accessToken)))).toEqual(
        Array(10).fill(200),
      );
      expect([await figure(server, calls), await figure(server, "lockstep_workers")]).toEqual([10, 2]);
      expect(await figure(server, "lockstep_mails_waiting")).toBeLessThan(2);

      const [killed, other] = workersOf(server) as [number, number]; // two, as measured above
      // It accepts nothing more: calls that are handed to it wait, and get their answer from the other one.
      process.kill(killed, "SIGSTOP");
      const waiting = Promise.all(Array.from({ length: 4 }, () => call(server, accessToken)));
      await expect.poll(() => figure(server, calls)).toBe(13);
      process.kill(killed, "SIGKILL");
      expect(await waiting).toEqual([200, 200, 200, 200]);
      await expect.poll(() => statusOf(killed)).toBe("");
      let answered = 14;
      // Each is answered, by the other worker at first.
      while ((await figure(server, "lockstep_workers")) !== 2 || workersOf(server).length !== 2) {
        expect(await call(server, accessToken)).toBe(200);
        answered++;
      }
      expect(workersOf(server)).toContain(other);
      expect(workersOf(server)).not.toContain(killed);
      // What the killed one had counted is not lost.
      expect(await figure(server, calls)).toBe(answered);
      expect(await figure(server, "lockstep_worker_exits_total")).toBe(1);
      expect(server.printed()).toContain('"signal":"SIGKILL","waitMs":100,"msg":"a worker ended and is replaced"');
    });
  });

  it("answers calls in progress, ends streams and exits with 0 on SIGTERM, as one process does", async () => {
    await withDatabase(async ({ url: databaseUrl }) => {
      await using server = await startMain({ WORKERS: "2", SHUTDOWN_TIMEOUT_SECONDS: "600" }, databaseUrl);
      const accessToken = await signIn(server);
      const workers = workersOf(server);
      // One on each worker.
      const streams = [];
      for (let n = 0; n < 2; n++)
        streams.push(await openStream(`${server.url}/trpc/session.events`, { authorization: `Bearer ${accessToken}` }));
      const sockets = [];
      for (let n = 0; n < 2; n++) {
        const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
        const head = `POST /trpc/auth.login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${credentials.length}\r\n\r\n`;
        socket.write(`GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n${head}${credentials.slice(0, 5)}`);
        await once(socket, "data");
        sockets.push(socket);
      }
      server.signal("SIGTERM");
      await expect.poll(server.accepts).toBe(false);
      for (const socket of sockets) {
        const answer = text(socket);
        socket.write(credentials.slice(5));
        expect(await answer).toMatch(/^HTTP\/1\.1 200 .*connection: close.*"accessToken"/is);
      }
      for (const stream of streams) {
        let last = await stream.next();
        for (let next = last; next !== null; next = await stream.next()) last = next;
        expect(last?.type).toBe("return");
      }
      expect(await server.exitCode()).toBe(0);
      expect(await server.stderr).toBe("");
      expect([workers.length, workers.map(statusOf)]).toEqual([2, ["", ""]]);
    });
  });

  it("that cannot listen says so once, and exits with 1", async () => {
    await withDatabase(async ({ url: databaseUrl }) => {
      await using other = await startMain({});
      const { port } = new URL(other.url);
      const starting = startMain({ WORKERS: "2", PORT: port }, databaseUrl);
      await expect(starting).rejects.toThrow(
        `The server did not start: Port ${port} is in use. Stop the program that uses it, or choose another port: PORT=${Number(port) + 1} npm start\n`,
      );
    });
  });

  it("leaves no worker behind when its first process is killed", async () => {
    await withDatabase(async ({ url: databaseUrl }) => {
      const server = await startMain({ WORKERS: "2" }, databaseUrl);
      const workers = workersOf(server);
      expect(workers).toHaveLength(2);
      await server[Symbol.asyncDispose]();
      await expect.poll(() => workers.map(statusOf).join("")).toBe("");
    });
  });
});

/** Runs workers without a server. */
const run = (script: Partial<WorkersScript>) => {
  const program = join(import.meta.dirname, "workers-process.ts");
  const defaults: WorkersScript = { count: 2, shutDownLimitMs: 60_000, workers: ["serve"] };
  const child = fork(program, [JSON.stringify({ ...defaults, ...script })], {
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  const exited = once(child, "exit");
  const reports: object[] = [];
  child.on("message", (report: object) => reports.push(report));
  let output = "";
  child.stdout?.on("data", (chunk) => {
    output += chunk;
  });
  return {
    output: () => output,
    shutDown: () => child.send("shut down"),
    /** Waits until there are this many reports. */
    async reports(count: number): Promise<object[]> {
      await expect.poll(() => reports.length, { timeout: inject("patienceMs") }).toBeGreaterThanOrEqual(count);
      return reports.slice(0, count);
    },
    async [Symbol.asyncDispose]() {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
};

describe("workers", () => {
  it("that crash again and again are replaced after a growing wait", async () => {
    const waits = { firstMs: 10, longestMs: 40, lastedMs: 60_000 };
    await using workers = run({ count: 1, workers: ["crash"], waits });
    const expected = [10, 20, 40, 40].map((waitMs) => ({ event: "end", code: 7, waitMs }));
    expect(await workers.reports(5)).toEqual([{ event: "started" }, ...expected]);
  });

  it("are replaced at once if they had lasted", async () => {
    const waits = { firstMs: 10, longestMs: 40, lastedMs: 0 };
    await using workers = run({ count: 1, workers: ["crash"], waits });
    const expected = [10, 10, 10].map((waitMs) => ({ event: "end", code: 7, waitMs }));
    expect(await workers.reports(4)).toEqual([{ event: "started" }, ...expected]);
  });

  it("are replaced later on when a replacement cannot start, and end the whole when one of the first cannot", async () => {
    const waits = { firstMs: 10, longestMs: 40, lastedMs: 60_000 };
    await using later = run({ count: 1, workers: ["crash", "fail to start", "serve"], waits });
    expect(await later.reports(3)).toEqual([
      { event: "started" },
      { event: "end", code: 7, waitMs: 10 },
      { event: "end", code: 1, waitMs: 20 },
    ]);
    await using first = run({ workers: ["serve", "fail to start"] });
    expect(await first.reports(1)).toEqual([{ event: "a worker could not start" }]);
    expect(first.output()).toBe("");
  });

  it("announce once that all of them are ready, and are killed when they do not end in time", async () => {
    await using workers = run({ workers: ["serve", "serve and ignore the shutdown"], shutDownLimitMs: 100 });
    await workers.reports(1);
    await expect.poll(workers.output).toBe("announced by 1\n");
    workers.shutDown();
    expect(await workers.reports(2)).toEqual([
      { event: "started" },
      { event: "1 of 2 workers did not end by themselves" },
    ]);
  });
});
