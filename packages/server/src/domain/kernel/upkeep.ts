// Owns the background work of a server: following the shared clock, loading and rotating keys, deleting rows that can
// never be used again, and truncating the database's own files. Deletion repeats until nothing is left, in steps so
// small that no call waits for one.

import { setImmediate as yieldToCalls } from "node:timers/promises";
import type { Clock } from "./clock.ts";

/** Also how long this server still accepts a key that another server has retired. */
const intervalMs = 5000;

/** Rows that one step deletes. */
const stepSize = 200;

export interface UpkeepOptions {
  readonly clock: Pick<Clock, "synchronize">;
  readonly keyring: { maintain(): Promise<void> };
  /** Each deletes up to `limit` rows that can never be used again, and returns how many. */
  readonly deletions: readonly ((limit: number) => Promise<number>)[];
  /** Truncates files that the database no longer needs. */
  readonly shrinkFiles: () => Promise<unknown>;
  /** Called after each step. */
  readonly onDeleted?: ((rows: number) => void) | undefined;
}

export const createUpkeep = ({ clock, keyring, deletions, shrinkFiles, onDeleted }: UpkeepOptions) => {
  let ended = false;

  const deleteAll = async (deleteSome: (limit: number) => Promise<number>) => {
    while (!ended) {
      const rows = await deleteSome(stepSize);
      onDeleted?.(rows);
      // Nothing is left, or another server deletes the rest.
      if (rows < stepSize) return;
      await yieldToCalls();
    }
  };

  const once = async () => {
    await clock.synchronize();
    await keyring.maintain();
    for (const deleteSome of deletions) await deleteAll(deleteSome);
    await shrinkFiles();
  };
  return {
    once,

    /**
     * Runs `once` at an interval, one run at a time, until `end`. A failed run is reported, and the next one starts as
     * usual.
     */
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
