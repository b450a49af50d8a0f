// Owns what a server does by itself while it runs: follow the shared clock, learn of new keys, make the next, delete
// what can never be used again, and keep the database's own files small. It deletes until nothing is left, however
// much came in, in steps so small that no call waits for one.

import { setImmediate as yieldToCalls } from "node:timers/promises";
import type { Clock } from "./clock.ts";

/** Also the longest that another server's retired key is still accepted here. */
const intervalMs = 5000;

/** Rows that one step deletes. */
const stepSize = 200;

export interface UpkeepOptions {
  readonly clock: Pick<Clock, "synchronize">;
  readonly keyring: { maintain(): Promise<void> };
  /** Each deletes up to so many rows that can never be used again, and answers how many. */
  readonly deletions: readonly ((limit: number) => Promise<number>)[];
  /** Gives back what the database's files no longer need. */
  readonly shrinkFiles: () => Promise<void>;
}

export const createUpkeep = ({ clock, keyring, deletions, shrinkFiles }: UpkeepOptions) => {
  let ended = false;

  const deleteAll = async (deleteSome: (limit: number) => Promise<number>) => {
    // Less than a step: nothing is left, or another server deletes the rest.
    while (!ended && (await deleteSome(stepSize)) === stepSize) await yieldToCalls();
  };

  const once = async () => {
    await clock.synchronize();
    await keyring.maintain();
    for (const deleteSome of deletions) await deleteAll(deleteSome);
    await shrinkFiles();
  };
  return {
    once,

    /** Repeats `once`, one at a time, until `end`; a failure is reported and tried again. */
    begin(report: (error: unknown) => void) {
      let running = Promise.resolve();
      const timer = setInterval(() => {
        running = running.then(once).catch(report);
      }, intervalMs);
      return {
        end: () => {
          ended = true;
          clearInterval(timer);
          return running;
        },
      };
    },
  };
};
