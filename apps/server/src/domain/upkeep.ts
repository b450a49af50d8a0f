// Owns what a server does by itself while it runs: follow the shared clock, learn of new keys, make the next, and
// delete what can never be used again, in steps so small that no call waits for one.

import type { Clock } from "./clock.ts";
import type { Keyring } from "./keyring.ts";

/** Also the longest that another server's retired key is still accepted here. */
const intervalMs = 5000;

/** Rows that one step deletes. */
const stepSize = 200;

export interface UpkeepOptions {
  readonly clock: Pick<Clock, "synchronize">;
  readonly keyring: Keyring;
  /** Each deletes up to so many rows that can never be used again. */
  readonly deletions: readonly ((limit: number) => Promise<unknown>)[];
}

export const createUpkeep = ({ clock, keyring, deletions }: UpkeepOptions) => {
  const once = async () => {
    await clock.synchronize();
    await keyring.maintain();
    for (const deleteSome of deletions) await deleteSome(stepSize);
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
          clearInterval(timer);
          return running;
        },
      };
    },
  };
};
