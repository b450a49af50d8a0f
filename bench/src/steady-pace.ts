// Starts calls at a steady pace, whether or not earlier calls have finished: slow answers do not reduce the load.

import { setTimeout as wait } from "node:timers/promises";

/** Resolves when the last call has finished. */
export const atSteadyPace = async (perSecond: number, seconds: number, call: (n: number) => Promise<unknown>) => {
  const startedAt = performance.now();
  const running: Promise<unknown>[] = [];
  for (let n = 0; n < perSecond * seconds; n++) {
    const earlyMs = startedAt + (n * 1000) / perSecond - performance.now();
    if (earlyMs > 0) await wait(earlyMs);
    running.push(call(n));
  }
  await Promise.all(running);
};
