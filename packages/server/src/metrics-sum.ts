// Owns the sum of the metrics of several processes of one server (`workers.ts`).

import { AggregatorRegistry, Counter, Gauge, Registry } from "prom-client";
import type { CollectedMetrics } from "./metrics.ts";

export type MetricsSum = ReturnType<typeof createMetricsSum>;

/** Sums the metrics of the processes of one server, and counts the processes. */
export const createMetricsSum = () => {
  const registry = new Registry();
  const running = new Gauge({
    name: "lockstep_workers",
    help: "Processes of this server that answer calls.",
    registers: [registry],
  });
  const ended = new Counter({
    name: "lockstep_worker_exits_total",
    help: "Processes of this server that ended and were replaced.",
    registers: [registry],
  });
  const sumOf = (all: readonly CollectedMetrics[]) => AggregatorRegistry.aggregate([...all]);
  /** What ended processes have counted: without it, sums would fall, and Prometheus would see a restart. */
  let past: Promise<CollectedMetrics> = Promise.resolve([]);

  return {
    /** A process has ended, whose metrics were last these. */
    end(last: CollectedMetrics): void {
      ended.inc();
      const counts = last.filter(({ type }) => isCount(type));
      past = past.then((earlier) => sumOf([earlier, counts]).getMetricsAsJSON());
    },

    /** The sum in Prometheus's text format. `collecting`: the metrics of all processes that answer calls now. */
    async print(workers: number, collecting: Promise<readonly CollectedMetrics[]>): Promise<string> {
      // A process that ends from now on is among those that are collected.
      const ofEnded = past;
      const collected = await collecting;
      running.set(workers);
      return sumOf([...collected, await ofEnded, await registry.getMetricsAsJSON()]).metrics();
    },
  };
};

/** `prom-client` declares its types as an enumeration of numbers. At run time they are words. */
const isCount = (type: unknown): boolean => type === "counter" || type === "histogram";
