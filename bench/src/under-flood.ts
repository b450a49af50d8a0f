// How long a call of somebody who is signed in takes while two hundred clients sign in at once.

import { setTimeout as wait } from "node:timers/promises";
import { type BenchDatabase, fill, newDatabase, password } from "./database.ts";
import { pace } from "./pace.ts";
import { flood, lockstep, runToEnd, start } from "./processes.ts";
import { quantile, ratios, type Table } from "./report.ts";
import { createCaller, dataOf } from "./rpc.ts";

/** Of clients who wait as long as they are told, and of those who never wait. */
const rounds = { patient: Math.min(3, pace.rounds), impatient: 1 };
const secondsPerRound = pace.floodSeconds;
const callsPerSecond = 100;

export const underFlood = async (): Promise<Table[]> => {
  const database = await newDatabase();
  await fill(database, 200);
  try {
    return [await measure(database, true), await measure(database, false)];
  } finally {
    database.remove();
  }
};

const measure = async ({ env }: BenchDatabase, patient: boolean): Promise<Table> => {
  const server = await start(lockstep, env);
  // A connection for each: a call that waits holds up no other.
  const caller = createCaller(server.url, callsPerSecond);
  try {
    const { accessToken } = dataOf<{ accessToken: string }>(
      await caller.mutate("auth.login", { username: "john", password }),
    );
    const sample = () => latencies(async () => dataOf(await caller.query("user.me", accessToken)));
    await sample();
    const p99 = { rest: [] as number[], flood: [] as number[] };
    const [signedIn, refused]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds[patient ? "patient" : "impatient"]; round++) {
      p99.rest.push(quantile(await sample(), 0.99));
      const flooding = runToEnd(flood, {
        SERVER_URL: server.url,
        PASSWORD: password,
        SECONDS: String(secondsPerRound + 2),
        PATIENT: patient ? "yes" : "no",
      });
      await wait(1000);
      p99.flood.push(quantile(await sample(), 0.99));
      const answers = (await flooding) as Record<string, number>;
      signedIn.push(answers["200"] ?? 0);
      refused.push(answers["503"] ?? 0);
      const others = Object.keys(answers).filter((status) => status !== "200" && status !== "503");
      if (others.length > 0) throw new Error(`A login was answered ${others.join(", ")}`);
    }
    return {
      title: `user.me while 200 clients sign in, ${patient ? "who wait as long as they are told" : "who never wait"}`,
      figures: [
        { name: "p99 at rest, ms", values: p99.rest, digits: 2 },
        { name: "p99 during the flood, ms", values: p99.flood, digits: 2 },
        { name: "ratio", values: ratios(p99.flood, p99.rest), digits: 2, target: patient ? "≤ 3" : undefined },
        { name: "signed in, a round", values: signedIn },
        { name: "refused with 503, a round", values: refused },
      ],
    };
  } finally {
    caller.close();
    await server.stop();
  }
};

/** How long each call took, in ms, of calls that begin at a steady pace, whether or not those before have ended. */
const latencies = async (call: () => Promise<unknown>): Promise<number[]> => {
  const taken: number[] = [];
  const startedAt = performance.now();
  const running: Promise<void>[] = [];
  for (let n = 0; n < secondsPerRound * callsPerSecond; n++) {
    const due = startedAt + (n * 1000) / callsPerSecond;
    if (due > performance.now()) await wait(due - performance.now());
    const from = performance.now();
    running.push(call().then(() => void taken.push(performance.now() - from)));
  }
  await Promise.all(running);
  return taken;
};
