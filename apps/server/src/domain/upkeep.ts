// Owns what a server does by itself while it runs: learn of new keys, make the next, and delete what can never
// be used again, in steps so small that no call waits for one.

import type { Keyring } from "./keyring.ts";
import type { Sessions } from "./sessions.ts";
import type { SingleUses } from "./single-uses.ts";
import type { Throttle } from "./throttle.ts";

/** Also the longest that another server's retired key is still accepted here. */
const intervalMs = 5000;

/** Rows that one step deletes. */
const stepSize = 200;

export const createUpkeep = ({
  keyring,
  sessions,
  throttle,
  singleUses,
}: {
  keyring: Keyring;
  sessions: Sessions;
  throttle: Throttle;
  singleUses: SingleUses;
}) => {
  const once = async () => {
    await keyring.maintain();
    await sessions.deleteExpired(stepSize);
    await throttle.deleteForgotten(stepSize);
    await singleUses.deleteExpired(stepSize);
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
