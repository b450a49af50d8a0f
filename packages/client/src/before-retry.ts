// Owns how long is waited before what failed is tried again.

/** The first wait, doubled with each failure, up to the longest. */
const firstDelayMs = 1_000;
const longestDelayMs = 30_000;

/**
 * Waits, after so many earlier failures; not any longer than until `signal` is aborted.
 * @param atLeastSeconds what the server asked for
 */
export const beforeRetry = (failures: number, signal: AbortSignal, atLeastSeconds = 0): Promise<void> => {
  const delayMs = Math.min(firstDelayMs * 2 ** failures, longestDelayMs);
  return new Promise((resolve) => {
    // Some of it by chance: a server that starts again is not met by everybody at once.
    const timer = setTimeout(resolve, atLeastSeconds * 1000 + delayMs * (0.5 + Math.random() / 2));
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
};
