// The latency of a signed-in user's call during a flood of sign-ins.

import { setTimeout as wait } from "node:timers/promises";
import { type BenchDatabase, fill, newDatabase, password } from "./database.ts";
import { pace } from "./pace.ts";
import { flood, lockstep, runToEnd, start } from "./processes.ts";
import { quantile, ratios, type Table, type Target } from "./report.ts";
import { createCaller, dataOf } from "./rpc.ts";
import { atSteadyPace } from "./steady-pace.ts";

interface Flood {
  readonly kind: "patient" | "impatient" | "refused";
  readonly title: string;
  readonly rounds: number;
  readonly target?: Target;
  /** The expected statuses of sign-ins, with their names in the table. Any other status is an error of the benchmark. */
  readonly answers: Readonly<Record<string, string>>;
}

const answers = { 200: "signed in", 503: "refused with 503" };
const floods: readonly Flood[] = [
  {
    kind: "patient",
    title: "user.me during sign-ins of 200 clients that respect Retry-After",
    rounds: pace.rounds,
    target: "≤ 3",
    answers,
  },
  { kind: "impatient", title: "user.me during sign-ins of 200 clients that never wait", rounds: 1, answers },
  {
    kind: "refused",
    title: "user.me during 870 refused guesses per second at one account",
    rounds: pace.rounds,
    target: "≤ 3",
    answers: { 401: "wrong guesses", 429: "refused with 429", 503: "refused with 503" },
  },
];
const secondsPerRound = pace.floodSeconds;
const callsPerSecond = 100;

export const underFlood = async (): Promise<Table[]> => {
  const database = await newDatabase();
  await fill(database, 200);
  try {
    const tables: Table[] = [];
    for (const each of floods) tables.push(await measure(database, each));
    return tables;
  } finally {
    database.remove();
  }
};

const measure = async ({ env }: BenchDatabase, { kind, title, rounds, target, answers }: Flood): Promise<Table> => {
  const server = await start(lockstep, env);
  // A connection for each call, so that no call waits for another.
  const caller = createCaller(server.url, callsPerSecond);
  try {
    const { accessToken } = dataOf<{ accessToken: string }>(
      await caller.mutate("auth.login", { username: "john", password }),
    );
    const sample = () => latencies(async () => dataOf(await caller.query("user.me", accessToken)));
    const floodFor = (seconds: number) =>
      runToEnd(flood, { SERVER_URL: server.url, PASSWORD: password, SECONDS: String(seconds), KIND: kind });
    // Warm-up: code that runs for the first time is slow, and the queue that builds up would be measured.
    await floodFor(pace.floodSeconds);
    await sample();
    const p99 = { rest: [] as number[], flood: [] as number[] };
    const counts = Object.keys(answers).map((status) => ({ status, values: [] as number[] }));
    for (let round = 0; round < rounds; round++) {
      p99.rest.push(quantile(await sample(), 0.99));
      const flooding = floodFor(secondsPerRound + 2);
      await wait(1000);
      p99.flood.push(quantile(await sample(), 0.99));
      const given = (await flooding) as Record<string, number>;
      for (const { status, values } of counts) values.push(given[status] ?? 0);
      const others = Object.keys(given).filter((status) => !(status in answers));
      if (others.length > 0) throw new Error(`A sign-in was answered with ${others.join(", ")}`);
    }
    return {
      title,
      figures: [
        { name: "p99 at rest, ms", values: p99.rest, digits: 2 },
        { name: "p99 during the flood, ms", values: p99.flood, digits: 2 },
        { name: "ratio", values: ratios(p99.flood, p99.rest), digits: 2, target },
        ...counts.map(({ status, values }) => ({ name: `${answers[status]}, per round`, values })),
      ],
    };
  } finally {
    caller.close();
    await server.stop();
  }
};

/** The latency of each call, in ms. */
const latencies = async (call: () => Promise<unknown>): Promise<number[]> => {
  const taken: number[] = [];
  await atSteadyPace(callsPerSecond, secondsPerRound, async () => {
    const from = performance.now();
    await call();
    taken.push(performance.now() - from);
  });
  return taken;
};
