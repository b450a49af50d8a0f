// Owns serving in this process: the server, what development adds to it, and its end.

import { destination } from "pino";
import type { App } from "./app.ts";
import type { Config } from "./config.ts";
import { startDemoProvider } from "./demo-provider.ts";
import { john, seedDevelopment } from "./development.ts";
import { lowerPoolPriority } from "./pool-priority.ts";
import { createServer } from "./server.ts";
import { closeOnSignal, exitAfter } from "./signals.ts";
import { StartError } from "./start-error.ts";
import type { Worker } from "./worker.ts";
import { worldOfEach } from "./world.ts";

export interface ServeOptions {
  readonly config: Config & { readonly secret: string };
  readonly webDirectory?: string;
  /** This process is one of several on a port. `null`: it is the only one. */
  readonly several: { readonly worker: Worker; readonly count: number } | null;
}

export const serve = async (app: App, { config: settings, webDirectory, several }: ServeOptions): Promise<void> => {
  await lowerPoolPriority();
  const demo = settings.demoProvider ? await startDemoProvider("demo", settings.demoProviderPort) : null;
  const config = demo ? { ...settings, providers: [...settings.providers, demo.settings] } : settings;
  const server = await createServer({
    app,
    config,
    logger: { level: config.logLevel, stream: destination(1), atExit: (flush) => process.once("exit", flush) },
    onCaughtMail: ({ to, subject }) =>
      process.stdout.write(`Mail to ${to}: ${subject} (${config.publicUrl}/dev/mail)\n`),
    ...(webDirectory !== undefined && { webDirectory }),
    ...(several && { world: worldOfEach(several.count), joinMetrics: several.worker.joinMetrics }),
  });
  server.traces?.register();
  if (!config.production) await seedDevelopment(server.domain, app);

  const close = async () => {
    await server.close();
    await demo?.end();
  };
  if (several) closeOnce(several.worker, close);
  else closeOnSignal(close);
  await demo?.serve({ publicUrl: config.publicUrl, reachableAt: config.publicUrl });
  await listen(server.listen(config), config.port);

  const announce = () => {
    const ready = `${app.brand.name} is ready: ${config.publicUrl}`;
    // What production prints is JSON, line by line.
    if (config.production) return server.app.log.info(ready);
    const lines = [ready, `Sign in as ${john.username} / ${john.password} (development only).`];
    if (demo) lines.push(`The demo identity provider at ${demo.issuer} accepts any name and password.`);
    process.stdout.write(`${lines.join("\n")}\n`);
  };
  if (several) several.worker.ready({ announce });
  else announce();
};

/**
 * Shuts a worker down once, however often it is asked: by its primary process, and by supervisors and terminals that
 * send signals to all processes.
 */
const closeOnce = (worker: Worker, close: () => Promise<void>) => {
  let closing = false;
  const once = () => {
    if (!closing) void exitAfter(close());
    closing = true;
  };
  worker.onShutDown(once);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, once);
};

const listen = async (listening: Promise<string>, port: number) => {
  try {
    await listening;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EADDRINUSE") {
      throw new StartError(
        `Port ${port} is in use. Stop the program that uses it, or choose another port: PORT=${port + 1} npm start`,
      );
    }
    if (code === "EACCES")
      throw new StartError(`Port ${port} is not allowed for this user. Choose one above 1023: PORT=3000`);
    throw error;
  }
};
