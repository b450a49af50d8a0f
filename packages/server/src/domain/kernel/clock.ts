// Owns the clock that all servers of one database agree on. Rules that compare a time that one server wrote with the
// time on another (the grace window of a refresh, the expiry of a code) hold only if both read the same clock, so each
// server follows the database's: it adds the difference that it measured to its machine's clock.

import type { Now } from "./environment.ts";

/** Differences below this are jitter of the measurement; following them would make time go back and forth. */
const ignoredMs = 100;

/** From this difference on, an operator is told: the machine's clock is not synchronized (NTP). */
export const reportedClockDifferenceMs = 2000;

export type Clock = Awaited<ReturnType<typeof createClock>>;

export const createClock = async ({
  machineNow,
  readSharedTime,
}: {
  machineNow: Now;
  /** Epoch milliseconds; `null`: there is no clock to share. */
  readSharedTime: () => Promise<number | null>;
}) => {
  let offsetMs = 0;

  /** Measures the difference again. What the round trip leaves open does not count as one. */
  const synchronize = async (): Promise<void> => {
    const askedAt = machineNow();
    const sharedTime = await readSharedTime();
    if (sharedTime === null) return;
    const answeredAt = machineNow();
    const measuredMs = sharedTime - (askedAt + answeredAt) / 2;
    const uncertaintyMs = Math.abs(answeredAt - askedAt) / 2;
    if (Math.abs(measuredMs - offsetMs) > uncertaintyMs + ignoredMs) offsetMs = Math.round(measuredMs);
  };

  await synchronize();
  return {
    /** Epoch milliseconds by the shared clock. */
    now: (): number => machineNow() + offsetMs,
    /** What the shared clock is ahead of the machine's; negative when it is behind. Milliseconds. */
    offsetMs: (): number => offsetMs,
    synchronize,
  };
};
