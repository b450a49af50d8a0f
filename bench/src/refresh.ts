// The cost of a refresh, compared with a bare route with the same UPDATE, and with tRPC's own adapter. All use many sessions in
// turns; each request sends the current token of its session.

import { copyOf, fill, newDatabase, pickSessions, sessionsPerUser } from "./database.ts";
import { chainedRequestsPerSecond, connections } from "./load.ts";
import { pace } from "./pace.ts";
import { bareUpdate, lockstep, officialAdapter, start } from "./processes.ts";
import { ratios, type Table } from "./report.ts";

/** Each session is refreshed every few seconds. In production it is every ten minutes. */
const sessionsPerConnection = 200;

export const refresh = async (): Promise<Table[]> => {
  const database = await newDatabase();
  await fill(database, (pace.rounds * connections * sessionsPerConnection) / sessionsPerUser);
  const copy = copyOf(database);
  const copyForOfficial = copyOf(database);
  const [server, official, bare] = await Promise.all([
    start(lockstep, database.env),
    start(officialAdapter, copyForOfficial.env),
    start(bareUpdate, { DATABASE_FILE: copy.file }),
  ]);
  try {
    const picked = await pickSessions(database.url, pace.rounds * connections * sessionsPerConnection);
    const rates = { refresh: [] as number[], official: [] as number[], limit: [] as number[] };
    for (let round = 0; round < pace.rounds; round++) {
      // New sessions for each round: the end of a round cuts off answers, and their tokens are lost.
      const things = Array.from({ length: connections }, () => picked.splice(0, sessionsPerConnection));
      const refreshes = (name: string, url: string) =>
        chainedRequestsPerSecond({
          name,
          url: `${url}/trpc/auth.refresh`,
          things: things.map((mine) => mine.map((session) => ({ ...session }))),
          body: ({ refreshToken }) => JSON.stringify({ refreshToken }),
          answered: (session, answer) => {
            session.refreshToken = JSON.parse(answer).result.data.refreshToken;
          },
        });
      rates.refresh.push(await refreshes("auth.refresh", server.url));
      rates.official.push(await refreshes("auth.refresh over tRPC's own adapter", official.url));
      rates.limit.push(
        await chainedRequestsPerSecond({
          name: "bare UPDATE",
          url: `${bare.url}/refresh`,
          things: things.map((mine) => mine.map(({ id }) => ({ id, generation: 0 }))),
          body: (session) => JSON.stringify(session),
          answered: (session, answer) => {
            session.generation = JSON.parse(answer).generation;
          },
        }),
      );
    }
    const figures = [
      { name: "auth.refresh, requests/s", values: rates.refresh },
      { name: "the same over tRPC's own adapter, requests/s", values: rates.official },
      { name: "bare Fastify with the same UPDATE, requests/s", values: rates.limit },
      { name: "ratio to tRPC's own adapter", values: ratios(rates.refresh, rates.official), digits: 2 },
      { name: "ratio to bare", values: ratios(rates.refresh, rates.limit), digits: 2, target: "≥ 0.5" as const },
    ];
    return [{ title: "Refresh", figures }];
  } finally {
    await Promise.all([server, official, bare].map((each) => each.stop()));
    for (const each of [database, copy, copyForOfficial]) each.remove();
  }
};
