// How many people can sign in beside what the hash alone allows, at as many at once as the server hashes.

import { availableParallelism } from "node:os";
import { fill, newDatabase, password } from "./database.ts";
import { bareBcrypt, lockstep, runToEnd, start } from "./processes.ts";
import { printTable, ratios } from "./report.ts";
import { createCaller, dataOf } from "./rpc.ts";

const rounds = 5;
const loginsPerRound = 20;
/** The default of BCRYPT_COST. */
const cost = 12;
/** As apps/server/src/server.ts has it. */
const hashingThreads = Math.max(1, availableParallelism() - 1);

export const logins = async () => {
  const database = await newDatabase();
  // Each signs in as another user, from another address: none has to wait for what others got wrong.
  fill(database, rounds * loginsPerRound);
  const server = await start(lockstep, database.env);
  const caller = createCaller(server.url, hashingThreads * 4);
  try {
    const rates = { logins: [] as number[], limit: [] as number[] };
    let user = 0;
    for (let round = 0; round < rounds; round++) {
      let left = loginsPerRound;
      const startedAt = performance.now();
      const client = async () => {
        while (left-- > 0) {
          const n = user++;
          const from = { "x-forwarded-for": `10.0.${n >> 8}.${n & 255}` };
          dataOf(await caller.mutate("auth.login", { username: `user-${n}`, password }, from));
        }
      };
      // More than are hashed at once, so that there is always a next one.
      await Promise.all(Array.from({ length: hashingThreads * 4 }, client));
      rates.logins.push(loginsPerRound / ((performance.now() - startedAt) / 1000));
      const settings = { COUNT: loginsPerRound, CONCURRENCY: hashingThreads, COST: cost };
      const env = Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, String(value)]));
      rates.limit.push((await runToEnd(bareBcrypt, env)) as number);
    }
    printTable("Signing in", [
      { name: "auth.login, a second", values: rates.logins, digits: 2 },
      { name: `@node-rs/bcrypt alone, ${hashingThreads} at once, a second`, values: rates.limit, digits: 2 },
      { name: "ratio", values: ratios(rates.logins, rates.limit), digits: 3, target: "≥ 0.9" },
    ]);
  } finally {
    caller.close();
    await server.stop();
    database.remove();
  }
};
