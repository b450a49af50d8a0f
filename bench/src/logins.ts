// Sign-ins per second, compared with bcrypt alone on all cores, and with peers.

import { availableParallelism } from "node:os";
import type { Servers } from "./calls.ts";
import { bcryptCost } from "./database.ts";
import { pace } from "./pace.ts";
import { bareBcrypt, runToEnd } from "./processes.ts";
import { ratios, type Table } from "./report.ts";
import type { Subject, Subjects } from "./subjects.ts";

const cores = availableParallelism();

export const measureLogins = async ({ all }: Subjects, servers: Servers): Promise<Table> => {
  const subjects = all.filter(({ signIn }) => signIn !== null);
  const rates = subjects.map((): number[] => []);
  const limit: number[] = [];
  for (let round = 0; round < pace.rounds; round++) {
    for (const [n, subject] of subjects.entries()) {
      rates[n]?.push(await loginsPerSecond(subject, servers.get(subject)?.url ?? "", round * pace.loginsPerRound));
    }
    const settings = { COUNT: pace.loginsPerRound, CONCURRENCY: cores, COST: bcryptCost };
    const env = Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, String(value)]));
    limit.push((await runToEnd(bareBcrypt, env)) as number);
  }
  return {
    title: `Sign-ins, bcrypt at cost ${bcryptCost}`,
    figures: [
      ...subjects.map(({ name }, n) => ({ name: `${name}, per second`, values: rates[n] ?? [], digits: 2 })),
      { name: `@node-rs/bcrypt alone, ${cores} at once, per second`, values: limit, digits: 2 },
      {
        name: "Lockstep, ratio to @node-rs/bcrypt alone",
        values: ratios(rates[0] ?? [], limit),
        digits: 2,
        target: "≥ 0.9",
      },
    ],
  };
};

/** Each sign-in is of another user from another address, so the limit on guessing does not apply. */
const loginsPerSecond = async ({ signIn }: Subject, url: string, firstUser: number): Promise<number> => {
  let started = 0;
  const startedAt = performance.now();
  const client = async () => {
    while (started < pace.loginsPerRound) {
      const n = firstUser + started++;
      await signIn?.(url, `user-${n}`, `10.0.${n >> 8}.${n & 255}`);
    }
  };
  // More than are hashed at once, so that the queue is never empty.
  await Promise.all(Array.from({ length: cores * 4 }, client));
  return pace.loginsPerRound / ((performance.now() - startedAt) / 1000);
};
