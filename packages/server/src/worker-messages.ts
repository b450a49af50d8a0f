// Owns what the processes of one server say to each other (`WORKERS`). Both sides are always of the same version.

import type { CollectedMetrics } from "./metrics.ts";

/** From a worker. */
export type FromWorker =
  /** It answers calls. */
  | { readonly kind: "ready" }
  /** Asks for the metrics of all workers. */
  | { readonly kind: "print metrics"; readonly id: number }
  /** Its metrics, as it was asked. */
  | { readonly kind: "metrics"; readonly id: number; readonly metrics: CollectedMetrics };

/** To a worker. */
export type ToWorker =
  /** All workers are ready: print that the server is. */
  | { readonly kind: "announce" }
  | { readonly kind: "collect metrics"; readonly id: number }
  | { readonly kind: "metrics"; readonly id: number; readonly text: string }
  | { readonly kind: "shut down" };
