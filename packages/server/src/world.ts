// Owns what enters from outside: clock, randomness, network and environment. Tests replace each of them.

import { lookup } from "node:dns";
import { availableParallelism } from "node:os";
import { performance } from "node:perf_hooks";
import { readDatabaseTime } from "./db/clock.ts";
import type { Db } from "./db/database.ts";
import { databaseLimitMs } from "./db/time-limit.ts";
import { coresOfEach, createHashingThreads } from "./domain/accounts/hashing-threads.ts";
import { hookLimitMs } from "./domain/admission/admission.ts";
import { challengeCost } from "./domain/admission/challenges.ts";
import type { Now, Random } from "./domain/kernel/environment.ts";
import type { OutboundOptions } from "./outbound.ts";
import { systemRandom } from "./random.ts";
import type { TracesLimits } from "./traces.ts";

export interface WorldOptions {
  /** The machine's clock. */
  readonly now: Now;
  /** The clock that all servers of a database share: epoch milliseconds. `null`: there is only the machine's. */
  readonly databaseTime: (db: Db) => Promise<number | null>;
  readonly random: Random;
  readonly fetch: typeof globalThis.fetch;
  /** How to reach URLs that identity providers and clients name. */
  readonly outbound: OutboundOptions;
  /** The number of passwords that may be hashed at once now. */
  readonly hashingThreads: () => number;
  /** How long a call may wait for the database in total. */
  readonly databaseLimitMs: number;
  /** How long the result of a database check is reused for `/readyz`. */
  readonly readinessKeptMs: number;
  /** How long the app's hook may take (`domain/admission/admission.ts`). */
  readonly hookLimitMs: number;
  /** The work of each try at a challenge (`domain/admission/challenges.ts`). */
  readonly challengeCost: number;
  readonly tracesLimits: TracesLimits;
  /** How long a request may take to arrive. */
  readonly requestTimeoutMs: number;
}

/** The threads of one of several processes that share this machine. */
const hashingThreadsOfEach = (processes: number) =>
  createHashingThreads(
    {
      cores: coresOfEach(processes, availableParallelism()),
      // `prelude.mjs` sets the size of libuv's pool; 4 is libuv's own default.
      poolSize: Number(process.env["UV_THREADPOOL_SIZE"]) || 4,
    },
    () => performance.eventLoopUtilization(),
  );

export const realWorld: WorldOptions = {
  requestTimeoutMs: 30_000,
  now: Date.now,
  databaseTime: readDatabaseTime,
  random: systemRandom(),
  fetch: globalThis.fetch,
  outbound: { lookup, timeoutMs: 8000 },
  hashingThreads: hashingThreadsOfEach(1),
  databaseLimitMs,
  readinessKeptMs: 1000,
  hookLimitMs,
  challengeCost,
  tracesLimits: { delayMs: 5000, sendMs: 10_000, shutdownMs: 3000 },
};

/** The world of one of several processes that share this machine. */
export const worldOfEach = (processes: number): WorldOptions => ({
  ...realWorld,
  hashingThreads: hashingThreadsOfEach(processes),
});
