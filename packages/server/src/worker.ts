// Owns the side of one worker in the talk with its primary process (`workers.ts`).

import cluster from "node:cluster";
import type { CollectedMetrics } from "./metrics.ts";
import type { FromWorker, ToWorker } from "./worker-messages.ts";

/** Set for the processes that `workers.ts` starts. Programs such as PM2 also run a server as a worker of theirs. */
export const workerMark = "LOCKSTEP_WORKER";

export const isWorker = (): boolean => cluster.isWorker && process.env[workerMark] !== undefined;

export type Worker = ReturnType<typeof createWorker>;

export const createWorker = () => {
  let collect: (() => Promise<CollectedMetrics>) | null = null;
  let announce = () => {};
  // Nothing is to be finished before it answers calls.
  let shutDown: () => void = () => process.exit(0);
  const printed = new Map<number, (text: string) => void>();
  let asked = 0;

  const send = (message: FromWorker) => {
    if (process.connected) process.send?.(message);
  };

  process.on("message", (message: ToWorker) => {
    switch (message.kind) {
      case "announce":
        return announce();
      case "shut down":
        return shutDown();
      case "collect metrics":
        return void collect?.().then((metrics) => send({ kind: "metrics", id: message.id, metrics }));
      case "metrics":
        printed.get(message.id)?.(message.text);
        printed.delete(message.id);
    }
  });

  return {
    /** Says that this worker answers calls. `announce` runs once all do, in one of them. */
    ready(onReady: { readonly announce: () => void }): void {
      announce = onReady.announce;
      send({ kind: "ready" });
    },

    /** Replaces what happens when the server shuts down. */
    onShutDown(close: () => void): void {
      shutDown = close;
    },

    /** Adds this worker's metrics to those of the others. Returns what prints the sum. */
    joinMetrics(ofThisWorker: () => Promise<CollectedMetrics>): () => Promise<string> {
      collect = ofThisWorker;
      return () =>
        new Promise((resolve) => {
          const id = asked++;
          printed.set(id, resolve);
          send({ kind: "print metrics", id });
        });
    },
  };
};
