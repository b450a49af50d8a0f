// A rolling restart: three servers behind the documented nginx are stopped by SIGTERM and started again, one after another,
// while clients make calls. No call may fail.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, expect, onTestFailed, test } from "vitest";
import { createClient } from "../packages/client/src/index.ts";
import { startCluster } from "../packages/server/test/faults/cluster.ts";
import { hasNginx, startNginx } from "./nginx.ts";
import { freePort } from "./processes.ts";

const root = join(import.meta.dirname, "..");
const shutdownDelaySeconds = 1;

const startServer = async (port: number, databaseUrl: string) => {
  const child = spawn(process.execPath, ["--import", "./prelude.mjs", "apps/server/dist/main.js"], {
    cwd: root,
    env: {
      PATH: process.env["PATH"],
      HOST: "127.0.0.1",
      PORT: String(port),
      PUBLIC_URL: "http://localhost:3000",
      TRUST_PROXY: "127.0.0.1",
      DATABASE_URL: databaseUrl,
      SECRET: "a secret of tests, of thirty-two characters",
      BCRYPT_COST: "10",
      SHUTDOWN_DELAY_SECONDS: String(shutdownDelaySeconds),
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit") as Promise<[number | null]>;
  const [ready] = await Promise.race([once(child.stdout, "data"), exited]);
  if (!String(ready).includes("Lockstep is ready")) throw new Error("The server did not start");
  return {
    async stop() {
      child.kill("SIGTERM");
      expect(await exited).toEqual([0, null]);
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
    },
  };
};

/** Signs in, reads, writes, refreshes and signs out, again and again. Returns the number of calls. */
const work = async (url: string, time: { readonly over: boolean }): Promise<number> => {
  let calls = 0;
  const count = <T>(call: Promise<T>): Promise<T> => {
    calls++;
    return call;
  };
  while (!time.over) {
    const client = createClient({ url });
    await count(client.auth.login.mutate({ username: "john", password: "secret" }));
    for (let round = 0; round < 10 && !time.over; round++) {
      await Promise.all([count(client.user.me.query()), count(client.session.list.query())]);
      await count(client.user.update.mutate({ fullName: `John Doe ${round}` }));
      await count(client.auth.refresh.mutate({}));
    }
    await count(client.auth.logout.mutate());
  }
  return calls;
};

describe.skipIf(!hasNginx)("three servers behind the nginx of the docs", () => {
  test("are restarted one after another without a failed call or stream", async () => {
    await using cluster = await startCluster();
    const ports = [await freePort(), await freePort(), await freePort()] as const;
    await using started = new AsyncDisposableStack();
    const servers = await Promise.all(ports.map((port) => startServer(port, cluster.url)));
    for (const server of servers) started.use(server);
    await using nginx = await startNginx({ ports, failTimeoutSeconds: 2 * shutdownDelaySeconds });

    onTestFailed(() => {
      process.stderr.write(nginx.errors());
    });

    const watcher = createClient({ url: nginx.url });
    await watcher.auth.login.mutate({ username: "john", password: "secret" });
    const streamErrors: unknown[] = [];
    const watching = watcher.session.events.subscribe(undefined, { onError: (error) => streamErrors.push(error) });
    const time = { over: false };
    const working = Promise.all(Array.from({ length: 4 }, () => work(nginx.url, time)));
    // A failed call ends the test at once.
    const failed = working.then(() => new Promise<never>(() => {}));
    const restart = async () => {
      for (const [n, port] of ports.entries()) {
        await servers[n]?.stop();
        expect(nginx.excluded(port)).toBe(true);
        const before = nginx.servedBy(port);
        servers[n] = started.use(await startServer(port, cluster.url));
        await expect.poll(() => nginx.servedBy(port)).toBeGreaterThan(before);
      }
    };
    await Promise.race([restart(), failed]).finally(() => {
      time.over = true;
    });
    const calls = (await working).reduce((sum, each) => sum + each, 0);
    watching.unsubscribe();
    expect(calls).toBeGreaterThan(100);
    expect(streamErrors).toEqual([]);
  });
});
