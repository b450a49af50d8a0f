// Several servers on one PostgreSQL: how soon news of one are heard by another, and what a call costs them together in CPU
// time, compared with one server. CPU time, since the load and PostgreSQL use the same cores as the servers.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { createClient } from "@lockstep/client";
import { password, secret } from "./database.ts";
import { type Header, load } from "./load.ts";
import { pace } from "./pace.ts";
import { startPostgres } from "./postgres.ts";
import { bareFastify, childrenOf, cpuTicks, lockstep, type Running, start } from "./processes.ts";
import { quantile, ratios, type Table } from "./report.ts";
import { openStream } from "./streams.ts";

const revocations = pace.quick ? 20 : 200;
const callers = 12;
/** Servers that have just connected poll every second, which is not what is measured. */
const connectedForMs = 4000;

export const servers = async (): Promise<Table[]> => {
  const directory = mkdtempSync(join(tmpdir(), "lockstep-bench-"));
  const postgres = await startPostgres(directory);
  const running: Running[] = [];
  try {
    const publicUrl = "http://localhost:3000";
    const env = {
      DATABASE_URL: postgres.url,
      SECRET: secret,
      PUBLIC_URL: publicUrl,
      BCRYPT_COST: "10",
      CHALLENGE: "off",
      TRUST_PROXY: "127.0.0.1",
      SHUTDOWN_DELAY_SECONDS: "0",
    };
    const open = async (settings: Record<string, string> = {}) => {
      const server = await start(lockstep, { ...env, ...settings });
      running.push(server);
      return server;
    };
    const three = [await open(), await open(), await open()] as const;
    const workers = await open({ WORKERS: "2" });
    const openBare = async () => {
      const server = await start(bareFastify, {});
      running.push(server);
      return server;
    };
    const bare = [await openBare(), await openBare(), await openBare()] as const;
    await wait(connectedForMs);
    return [await measureStreams(three[0], three[1]), await measureCpu({ three, workers, bare })];
  } finally {
    await Promise.all(running.map((each) => each.stop()));
    await postgres.stop();
    rmSync(directory, { recursive: true });
  }
};

const signIn = async ({ url }: Running) => {
  const client = createClient({ url });
  const answer = await client.auth.login.mutate({ username: "john", password });
  if (answer.status !== "signed_in") throw new Error("The sign-in is not complete");
  return { client, accessToken: answer.accessToken };
};

/** Each session ends on one server, and its stream is open on the other. */
const measureStreams = async (one: Running, other: Running): Promise<Table> => {
  const times: number[] = [];
  for (let n = 0; n < revocations; n++) {
    const { client, accessToken } = await signIn(one);
    const { socket, end } = await openStream(other, accessToken);
    const startedAt = performance.now();
    await Promise.all([client.auth.logout.mutate(), end]);
    times.push(performance.now() - startedAt);
    socket.destroy();
  }
  return {
    title: `The end of a stream after a revocation on another server (${revocations})`,
    figures: [
      { name: "from the call to the end, median, ms", values: [quantile(times, 0.5)], digits: 1 },
      { name: "p99, ms", values: [quantile(times, 0.99)], digits: 1, target: "≤ 250" },
    ],
  };
};

/** CPU time of a server's processes. */
const ticksOf = ({ child: { pid = 0 } }: Running) =>
  [pid, ...childrenOf(pid)].reduce((sum, each) => sum + cpuTicks(each), 0);

interface Measured {
  readonly three: readonly [Running, Running, Running];
  readonly workers: Running;
  /**
   * Three processes with a bare Fastify route, which share nothing but the cores: what more processes than cores cost on this
   * machine, whatever they do.
   */
  readonly bare: readonly [Running, Running, Running];
}

const measureCpu = async ({ three, workers, bare }: Measured): Promise<Table> => {
  const headers: Header[] = [];
  for (let n = 0; n < callers; n++) headers.push(["authorization", `Bearer ${(await signIn(three[0])).accessToken}`]);
  /** Microseconds of CPU for each call. */
  const measure = async (called: readonly Running[], atOnce: number, path = "/trpc/user.me") => {
    const before = called.reduce((sum, each) => sum + ticksOf(each), 0);
    const rounds = await Promise.all(
      called.map(({ url }) => load({ name: "user.me", url: `${url}${path}`, callers: headers, atOnce })),
    );
    const used = called.reduce((sum, each) => sum + ticksOf(each), 0) - before;
    const calls = rounds.reduce((sum, each) => sum + each.requestsPerSecond * pace.secondsPerRound, 0);
    return (used * 10_000) / calls;
  };
  const measurements = {
    one: () => measure([three[0]], callers),
    each: () => measure(three, callers),
    divided: () => measure(three, callers / 3),
    workers: () => measure([workers], 2 * callers),
    bareOne: () => measure([bare[0]], callers, "/me"),
    bareEach: () => measure(bare, callers, "/me"),
    bareDivided: () => measure(bare, callers / 3, "/me"),
  };
  type Name = keyof typeof measurements;
  const names = Object.keys(measurements) as Name[];
  const cost: Record<Name, number[]> = {
    one: [],
    each: [],
    divided: [],
    workers: [],
    bareOne: [],
    bareEach: [],
    bareDivided: [],
  };
  // The first round is a warm-up.
  for (let round = -1; round < pace.rounds; round++)
    for (const name of names) {
      const measured = await measurements[name]();
      if (round >= 0) cost[name].push(measured);
    }
  const bareRatio = { each: ratios(cost.bareEach, cost.bareOne), divided: ratios(cost.bareDivided, cost.bareOne) };
  return {
    title: "user.me on PostgreSQL: CPU time of all processes of the servers",
    figures: [
      { name: `one server, ${callers} callers, µs for each call`, values: cost.one, digits: 1 },
      { name: `three servers, ${callers} callers each, µs`, values: cost.each, digits: 1 },
      { name: "ratio to one", values: ratios(cost.each, cost.one), digits: 2, target: "≤ 1.1" },
      { name: "the same of bare Fastify routes", values: bareRatio.each, digits: 2 },
      { name: "ratio ÷ theirs", values: ratios(ratios(cost.each, cost.one), bareRatio.each), digits: 2 },
      { name: `three servers, ${callers} callers in all, µs`, values: cost.divided, digits: 1 },
      { name: "ratio to one", values: ratios(cost.divided, cost.one), digits: 2, target: "≤ 1.6" },
      { name: "the same of bare Fastify routes", values: bareRatio.divided, digits: 2 },
      { name: "ratio ÷ theirs", values: ratios(ratios(cost.divided, cost.one), bareRatio.divided), digits: 2 },
      { name: `two workers, ${callers} callers for each, µs`, values: cost.workers, digits: 1 },
      {
        name: "calls of two workers on two cores of their own, ratio to one: 2 × CPU of one ÷ CPU of two",
        values: ratios(cost.one, cost.workers).map((ratio) => 2 * ratio),
        digits: 2,
        target: "≥ 1.7",
      },
    ],
  };
};
