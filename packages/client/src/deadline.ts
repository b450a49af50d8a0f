// Owns how long the answer to a question about tokens is waited for: while it is, nobody else has a turn.

/** A server that does not answer holds up no other tab and no other process for longer. */
const deadlineMs = 30_000;

/** Runs `ask`, whose signal ends it when it has taken too long. */
export const withDeadline = async <T>(ask: (signal: AbortSignal) => Promise<T>): Promise<T> => {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(new Error("The server did not answer in time")), deadlineMs);
  try {
    return await ask(abort.signal);
  } finally {
    clearTimeout(timer);
  }
};
