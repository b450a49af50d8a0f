// Owns the clock that all servers of one database share. Rules that compare times written by different servers (the
// grace window of a refresh, the expiry of a code) need one clock, so each server follows the database's: it adds the
// measured difference to its machine's clock.

import type { Now } from "./environment.ts";

/** Smaller differences are measurement noise. Following them would make time jump back and forth. */
const ignoredMs = 100;

/** From this difference on, the server logs that the machine's clock is not synchronized (NTP). */
export const reportedClockDifferenceMs = 2000;

export type Clock = Awaited<ReturnType<typeof createClock>>;

export const createClock = async ({
  machineNow,
  readSharedTime,
}: {
  machineNow: Now;
  /** Epoch milliseconds; `null`: there is no shared clock. */
  readSharedTime: () => Promise<number | null>;
}) => {
  let offsetMs = 0;

  /** Measures the difference again, ignoring what the round trip leaves uncertain. */
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
    /** How far the shared clock is ahead of the machine's, in milliseconds; negative when it is behind. */
    offsetMs: (): number => offsetMs,
    synchronize,
  };
};
