// Preloaded into a server: on request of its parent, reports the bytes in use after a full garbage collection. Resident memory
// is less exact: V8 returns memory to the system late.

process.on("message", (message) => {
  if (message !== "live bytes") return;
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  process.send?.(heapUsed + external);
});
