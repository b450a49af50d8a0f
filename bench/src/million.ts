// What the operations about sessions take when there are a million of them, beside a thousand.

import { type BenchDatabase, fill, newDatabase, pickSessions, sessionsPerUser } from "./database.ts";
import { lockstep, type Running, start } from "./processes.ts";
import { median, printTable, ratios } from "./report.ts";
import { type Caller, createCaller, dataOf } from "./rpc.ts";

const rounds = 5;
const sessionsPerRound = 100;
const sizes = { thousand: 1000, million: 1_000_000 };

const operations = ["auth.refresh", "user.me", "session.list", "session.revoke"] as const;
type Operation = (typeof operations)[number];
/** Of each operation, what every call took, in ms. */
type Times = Record<Operation, number[]>;

export const million = async () => {
  const thousand = await newDatabase();
  const large = await newDatabase();
  const running: Running[] = [];
  try {
    fill(thousand, sizes.thousand / sessionsPerUser);
    const startedAt = performance.now();
    fill(large, sizes.million / sessionsPerUser);
    process.stderr.write(
      `A million sessions were filled in within ${Math.round((performance.now() - startedAt) / 1000)} s.\n`,
    );
    for (const { env } of [thousand, large]) running.push(await start(lockstep, env));
    const [few, many] = [sampler(thousand, running[0] as Running), sampler(large, running[1] as Running)];
    const medians = { few: [] as Record<Operation, number>[], many: [] as Record<Operation, number>[] };
    for (let round = -1; round < rounds; round++) {
      const [a, b] = [await few(), await many()];
      // The first round warms up.
      if (round < 0) continue;
      medians.few.push(a);
      medians.many.push(b);
    }
    printTable(
      "A million sessions beside a thousand",
      operations.flatMap((operation) => {
        const [a, b] = [medians.few.map((round) => round[operation]), medians.many.map((round) => round[operation])];
        return [
          { name: `${operation}, a thousand, ms`, values: a, digits: 3 },
          { name: `${operation}, a million, ms`, values: b, digits: 3 },
          { name: `${operation}, ratio`, values: ratios(b, a), digits: 2, target: "≤ 2" },
        ];
      }),
    );
  } finally {
    await Promise.all(running.map((server) => server.stop()));
    thousand.remove();
    large.remove();
  }
};

/** Measures a round: each of some sessions from all over the table is refreshed, used, listed and ended, one by one. */
const sampler = (database: BenchDatabase, server: Running) => {
  const held = pickSessions(database, (rounds + 1) * sessionsPerRound);
  const caller = createCaller(server.url);
  return async (): Promise<Record<Operation, number>> => {
    const times: Times = { "auth.refresh": [], "user.me": [], "session.list": [], "session.revoke": [] };
    for (const session of held.splice(0, sessionsPerRound)) await liveAndEnd(caller, session, times);
    return Object.fromEntries(operations.map((operation) => [operation, median(times[operation])])) as Record<
      Operation,
      number
    >;
  };
};

const liveAndEnd = async (caller: Caller, session: { id: string; refreshToken: string }, times: Times) => {
  const timed = async <T>(operation: Operation, call: () => ReturnType<Caller["query"]>): Promise<T> => {
    const startedAt = performance.now();
    const answer = await call();
    times[operation].push(performance.now() - startedAt);
    return dataOf<T>(answer);
  };
  const { accessToken } = await timed<{ accessToken: string }>("auth.refresh", () =>
    caller.mutate("auth.refresh", { refreshToken: session.refreshToken }),
  );
  await timed("user.me", () => caller.query("user.me", accessToken));
  await timed("session.list", () => caller.query("session.list", accessToken));
  const input = { sessionId: session.id };
  await timed("session.revoke", () => caller.mutate("session.revoke", input, caller.bearer(accessToken)));
};
