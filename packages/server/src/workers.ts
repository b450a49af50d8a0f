// Owns the processes of a server with `WORKERS`: starts them, replaces those that end, adds up their metrics, and shuts
// all of them down. They share a port through `node:cluster`. The primary process answers no calls and has no database.
// The side of a worker: `worker.ts`.

import cluster, { type Worker } from "node:cluster";
import { setTimeout as delay } from "node:timers/promises";
import { keepHandedConnections } from "./handed-connections.ts";
import type { CollectedMetrics } from "./metrics.ts";
import type { MetricsSum } from "./metrics-sum.ts";
import { workerMark } from "./worker.ts";
import type { FromWorker, ToWorker } from "./worker-messages.ts";

export interface WorkersOptions {
  readonly count: number;
  /** How long a worker may take to shut down before it is killed. */
  readonly shutDownLimitMs: number;
  /** `null`: nothing is measured. */
  readonly metricsSum: MetricsSum | null;
  /** Called for each worker that ended and will be replaced. */
  readonly onEnd: (end: EndedWorker) => void;
  readonly waits?: Waits | undefined;
}

export interface EndedWorker {
  readonly processId: number | undefined;
  readonly code: number | null;
  readonly signal: string | null;
  /** When the next one starts. */
  readonly waitMs: number;
}

/** The wait before a replacement doubles with each worker of a place that did not last for `lastedMs`. */
export interface Waits {
  readonly firstMs: number;
  readonly longestMs: number;
  readonly lastedMs: number;
}

const defaultWaits: Waits = { firstMs: 100, longestMs: 30_000, lastedMs: 60_000 };

/** How long a worker may take to answer with its metrics. Then its last ones are used. */
const metricsLimitMs = 3000;

/** A worker could not start. It has said why. */
export class WorkerStartError extends Error {
  override readonly name = "WorkerStartError";
}

/** One process. */
interface Running {
  readonly worker: Worker;
  readonly ready: Promise<void>;
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  isReady: boolean;
  /** Its metrics when they were last read. */
  metrics: CollectedMetrics;
}

export const createWorkers = ({ count, shutDownLimitMs, metricsSum, onEnd, waits = defaultWaits }: WorkersOptions) => {
  const running = new Set<Running>();
  const stopping = new AbortController();

  cluster.schedulingPolicy = cluster.SCHED_RR;
  // Keeps NaN, which JSON does not.
  cluster.setupPrimary({ serialization: "advanced" });
  // However this process ends, no worker outlives it.
  process.on("exit", () => {
    for (const { worker } of running) worker.process.kill("SIGKILL");
  });

  const send = ({ worker }: Running, message: ToWorker) => {
    if (worker.isConnected()) worker.send(message, () => {});
  };

  const collecting = new Map<number, (metrics: CollectedMetrics) => void>();
  let collected = 0;
  const collect = async (each: Running): Promise<CollectedMetrics> => {
    const id = collected++;
    const over = new AbortController();
    const answered = new Promise<CollectedMetrics>((resolve) => collecting.set(id, resolve));
    send(each, { kind: "collect metrics", id });
    const late = delay(metricsLimitMs, each.metrics, { signal: over.signal }).catch(() => each.metrics);
    each.metrics = await Promise.race([answered, late, each.exited.then(() => each.metrics)]);
    over.abort();
    collecting.delete(id);
    return each.metrics;
  };
  const print = async (): Promise<string> => {
    const ready = [...running].filter(({ isReady }) => isReady);
    return metricsSum?.print(ready.length, Promise.all(ready.map(collect))) ?? "";
  };

  const startWorker = (): Running => {
    const worker = cluster.fork({ [workerMark]: "1" });
    keepHandedConnections(worker);
    const ready = Promise.withResolvers<void>();
    const exited = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
      worker.once("exit", (code, signal) => resolve({ code, signal }));
    });
    const each: Running = { worker, ready: ready.promise, exited, isReady: false, metrics: [] };
    running.add(each);
    void exited.then(() => running.delete(each));
    worker.on("error", () => {
      // It ended while it was written to: `exit` follows.
    });
    worker.on("message", (message: FromWorker) => {
      switch (message.kind) {
        case "ready":
          each.isReady = true;
          return ready.resolve();
        case "metrics":
          return collecting.get(message.id)?.(message.metrics);
        case "print metrics":
          return void print().then((text) => send(each, { kind: "metrics", id: message.id, text }));
      }
    });
    return each;
  };

  /** Starts a worker for the first time. @throws WorkerStartError */
  const startFirst = async (): Promise<Running> => {
    const each = startWorker();
    const isReady = await Promise.race([each.ready.then(() => true), each.exited.then(() => false)]);
    if (!isReady && !stopping.signal.aborted) throw new WorkerStartError();
    return each;
  };

  /** Replaces the worker of one place whenever it ends. */
  const keep = async (first: Running): Promise<void> => {
    let current = first;
    let waitMs = waits.firstMs;
    for (;;) {
      const startedAt = performance.now();
      const { code, signal } = await current.exited;
      metricsSum?.end(current.metrics);
      if (performance.now() - startedAt >= waits.lastedMs) waitMs = waits.firstMs;
      if (stopping.signal.aborted) return;
      onEnd({ processId: current.worker.process.pid, code, signal, waitMs });
      await delay(waitMs, undefined, { signal: stopping.signal }).catch(() => {});
      if (stopping.signal.aborted) return;
      waitMs = Math.min(2 * waitMs, waits.longestMs);
      current = startWorker();
    }
  };

  return {
    /**
     * Resolves when all workers answer calls. The first one starts alone, so that migrations run once and a failure is
     * reported once.
     * @throws WorkerStartError when one of them could not start
     */
    async start(): Promise<void> {
      const first = await startFirst();
      if (stopping.signal.aborted) return;
      const others = await Promise.all(Array.from({ length: count - 1 }, startFirst));
      for (const each of [first, ...others]) void keep(each);
      send(first, { kind: "announce" });
    },

    /**
     * Shuts all workers down at the same time. Kills those that take too long.
     * @throws Error when one of them failed or was killed
     */
    async shutDown(): Promise<void> {
      stopping.abort();
      const all = [...running];
      for (const each of all) send(each, { kind: "shut down" });
      const over = new AbortController();
      void delay(shutDownLimitMs, undefined, { signal: over.signal }).then(
        () => {
          for (const { worker } of all) worker.process.kill("SIGKILL");
        },
        () => {},
      );
      const ends = await Promise.all(all.map(({ exited }) => exited));
      over.abort();
      const failed = ends.filter(({ code }) => code !== 0);
      if (failed.length > 0) throw new Error(`${failed.length} of ${all.length} workers did not end by themselves`);
    },
  };
};
