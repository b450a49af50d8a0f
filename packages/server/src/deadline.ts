// Owns the time limit of a shutdown: steps that have not ended by then are abandoned.

import { setImmediate as oneTurn } from "node:timers/promises";

/** Starts the time limit. `onPass` is called when it has passed. */
export const startDeadline = (limitMs: number, onPass: () => void) => {
  const passing = Promise.withResolvers<void>();
  const timer = setTimeout(() => {
    onPass();
    passing.resolve();
  }, limitMs);
  return {
    /** Waits for the step until the deadline. A step that begins after it gets one turn of the event loop. */
    async before(step: Promise<unknown>): Promise<void> {
      await Promise.race([step, passing.promise.then(() => oneTurn())]);
    },
    end: () => clearTimeout(timer),
  };
};
