// What a refresh costs beside a bare route that does the same UPDATE. Both go round many sessions, each request
// with what is current for its session, as it was answered before.

import { copyOf, fill, newDatabase, pickSessions, sessionsPerUser } from "./database.ts";
import { chainedRequestsPerSecond, connections } from "./load.ts";
import { bareUpdate, lockstep, start } from "./processes.ts";
import { printTable, ratios } from "./report.ts";

const rounds = 5;
/** So many that a session comes round every few seconds: in life it does every ten minutes. */
const sessionsPerConnection = 200;

export const refresh = async () => {
  const database = await newDatabase();
  fill(database, (rounds * connections * sessionsPerConnection) / sessionsPerUser);
  const copy = copyOf(database);
  const [server, bare] = await Promise.all([
    start(lockstep, database.env),
    start(bareUpdate, { DATABASE_FILE: copy.file }),
  ]);
  try {
    const held = pickSessions(database, rounds * connections * sessionsPerConnection);
    const rates = { refresh: [] as number[], limit: [] as number[] };
    for (let round = 0; round < rounds; round++) {
      // Of its own for each round: what the end of a round cut off was refreshed, and nobody got the token.
      const things = Array.from({ length: connections }, () => held.splice(0, sessionsPerConnection));
      rates.refresh.push(
        await chainedRequestsPerSecond({
          name: "auth.refresh",
          url: `${server.url}/trpc/auth.refresh`,
          things,
          body: ({ refreshToken }) => JSON.stringify({ refreshToken }),
          answered: (session, answer) => {
            session.refreshToken = JSON.parse(answer).result.data.refreshToken;
          },
        }),
      );
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
    printTable("A refresh", [
      { name: "auth.refresh, requests/s", values: rates.refresh },
      { name: "bare Fastify with the same UPDATE, requests/s", values: rates.limit },
      { name: "ratio", values: ratios(rates.refresh, rates.limit), digits: 3, target: "≥ 0.5" },
    ]);
  } finally {
    await Promise.all([server.stop(), bare.stop()]);
    database.remove();
    copy.remove();
  }
};
