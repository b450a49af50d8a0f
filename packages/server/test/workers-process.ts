// Runs `createWorkers` with workers that do what `WorkersScript` says, reports to its parent, and ends with it.

import cluster from "node:cluster";
import type { FromWorker, ToWorker } from "../src/worker-messages.ts";
import { createWorkers, WorkerStartError, type WorkersOptions } from "../src/workers.ts";

export interface WorkersScript extends Pick<WorkersOptions, "count" | "shutDownLimitMs" | "waits"> {
  /** What each worker does, in the order in which they start. The last one is repeated. */
  readonly workers: readonly ("serve" | "fail to start" | "crash" | "serve and ignore the shutdown")[];
}

const { workers, ...options } = JSON.parse(process.argv[2] ?? "") as WorkersScript;

const beWorker = (number: number) => {
  const act = workers[Math.min(number, workers.length) - 1];
  if (act === "fail to start") process.exit(1);
  process.send?.({ kind: "ready" } satisfies FromWorker);
  process.on("message", ({ kind }: ToWorker) => {
    if (kind === "announce") process.stdout.write(`announced by ${number}\n`);
    if (kind === "shut down" && act === "serve") process.exit(0);
  });
  if (act === "crash") setImmediate(() => process.exit(7));
};

const beParent = async () => {
  const report = (event: string, facts: object = {}) => process.send?.({ event, ...facts });
  const all = createWorkers({
    ...options,
    metricsSum: null,
    onEnd: ({ code, waitMs }) => report("end", { code, waitMs }),
  });
  process.on("message", () =>
    all.shutDown().then(
      () => report("stopped"),
      (error: Error) => report(error.message),
    ),
  );
  process.on("disconnect", () => process.exit(0));
  await all.start().then(
    () => report("started"),
    (error) => report(error instanceof WorkerStartError ? "a worker could not start" : String(error)),
  );
};

if (cluster.worker) beWorker(cluster.worker.id);
else await beParent();
