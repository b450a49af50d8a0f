// Owns time limits. `AbortSignal.timeout` would do, but React Native lacks it.

/** The time limit of requests for tokens: while one waits, no other tab or process can have its turn. */
const requestDeadlineMs = 30_000;

/** Runs `request`, and aborts its signal after the time limit. */
export const withDeadline = async <T>(
  request: (signal: AbortSignal) => T | Promise<T>,
  deadlineMs = requestDeadlineMs,
): Promise<T> => {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(new Error("The server did not answer in time")), deadlineMs);
  try {
    return await request(abort.signal);
  } finally {
    clearTimeout(timer);
  }
};
