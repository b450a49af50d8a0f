// Preloaded into a server: tells its parent, whenever that asks, how many bytes are still in use after all garbage was
// collected. Resident memory says less: V8 gives back late what it once took.

process.on("message", (message) => {
  if (message !== "live bytes") return;
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  process.send?.(heapUsed + external);
});
