// Owns how a process ends when a signal stops it.

/** Exits when the shutdown is complete: with 0, or with 1 and the reason when it failed. */
export const exitAfter = (closing: Promise<void>) =>
  closing.then(
    () => process.exit(0),
    (error) => {
      process.stderr.write(`The shutdown failed: ${error instanceof Error ? error.stack : error}\n`);
      process.exit(1);
    },
  );

/** The first SIGINT or SIGTERM shuts down in order; a second one, of either kind, ends the process at once. */
export const closeOnSignal = (close: () => Promise<void>) => {
  let closing = false;
  const onSignal = () => {
    if (closing) {
      process.stderr.write("Stopped by a second signal, before the shutdown was complete.\n");
      process.exit(1);
    }
    closing = true;
    void exitAfter(close());
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, onSignal);
};
