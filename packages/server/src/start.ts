// Owns the server as a process: settings, and whether this process serves (`serve.ts`), is one of several that do
// (`worker.ts`), or runs them (`workers.ts`). These and `start-admin.ts` are the only files that touch `process`.

import { availableParallelism } from "node:os";
import type { App } from "./app.ts";
import { type Config, workerCount } from "./config.ts";
import { loadConfigWithSecret } from "./development.ts";
import { systemRandom } from "./random.ts";
import { closeOnSignal } from "./signals.ts";
import { StartError } from "./start-error.ts";
import { createWorker, isWorker } from "./worker.ts";
import { createWorkers, WorkerStartError } from "./workers.ts";

/** The options of `startServer`. */
export interface StartOptions {
  /** The folder that settings are relative to, and where development keeps its data. */
  readonly root: string;
  /** The folder of the web app's build. */
  readonly webDirectory?: string;
}

/**
 * Runs an app's server as this process, with the settings of the environment, until a signal stops it. When it cannot
 * start, it prints one sentence and exits with code 1.
 */
export const startServer = async (app: App, options: StartOptions): Promise<void> => {
  try {
    await start(app, options);
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
};

const start = async (app: App, options: StartOptions) => {
  const config = loadConfigWithSecret(process.env, options.root, systemRandom());
  const count = workerCount(config, availableParallelism());
  // Before anything is loaded: it may be told to shut down.
  const worker = isWorker() ? createWorker() : null;
  if (!worker && count > 1) return supervise(config, count);
  // Not loaded by the process that runs the others.
  const { serve } = await import("./serve.ts");
  await serve(app, { ...options, config, several: worker && { worker, count } });
};

/** Runs this many servers as processes on one port. */
const supervise = async (config: Config, count: number) => {
  const { pino } = await import("pino");
  const log = pino({ level: config.logLevel });
  const { delaySeconds, timeoutSeconds } = config.shutdown;
  const workers = createWorkers({
    count,
    // A second later than a worker ends by itself.
    shutDownLimitMs: (delaySeconds + timeoutSeconds + 1) * 1000,
    metricsSum: config.metrics && (await import("./metrics-sum.ts")).createMetricsSum(),
    onEnd: (facts) => log.warn(facts, "a worker ended and is replaced"),
  });
  closeOnSignal(workers.shutDown);
  await workers.start().catch(async (error) => {
    if (!(error instanceof WorkerStartError)) throw error;
    await workers.shutDown().finally(() => process.exit(1));
  });
};
