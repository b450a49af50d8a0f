// Owns how long to wait before a failed attempt is repeated.

import { sleep } from "./sleep.ts";

/** The first wait. Each failure doubles it, up to the longest. */
const firstDelayMs = 1_000;
const longestDelayMs = 30_000;

/**
 * Waits after `failures` earlier failures, or until `signal` is aborted.
 * @param atLeastSeconds the wait that the server asked for
 */
export const beforeRetry = (failures: number, signal: AbortSignal, atLeastSeconds = 0): Promise<void> => {
  const delayMs = Math.min(firstDelayMs * 2 ** failures, longestDelayMs);
  // Random jitter: the clients of a server that restarts must not all come back at once.
  return sleep(atLeastSeconds * 1000 + delayMs * (0.5 + Math.random() / 2), signal).catch(() => {});
};
