// Owns the server as a process: settings, listening, signals. With `start-admin.ts`, the only file that touches `process`.

import type { App } from "./app.ts";
import { startDemoProvider } from "./demo-provider.ts";
import { john, loadConfigWithSecret, seedDevelopment } from "./development.ts";
import { lowerPoolPriority } from "./pool-priority.ts";
import { createServer } from "./server.ts";
import { StartError } from "./start-error.ts";
import { realWorld } from "./world.ts";

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

const start = async (app: App, { root, webDirectory }: StartOptions) => {
  await lowerPoolPriority();
  const settings = loadConfigWithSecret(process.env, root, realWorld.random);
  const demo = settings.demoProvider ? await startDemoProvider("demo", settings.demoProviderPort) : null;
  const config = demo ? { ...settings, providers: [...settings.providers, demo.settings] } : settings;
  const server = await createServer({
    app,
    config,
    logger: { level: config.logLevel },
    onCaughtMail: ({ to, subject }) =>
      process.stdout.write(`Mail to ${to}: ${subject} (${config.publicUrl}/dev/mail)\n`),
    ...(webDirectory !== undefined && { webDirectory }),
  });
  if (!config.production) await seedDevelopment(server.domain, app);

  closeOnSignal(async () => {
    await server.close();
    await demo?.end();
  });
  await demo?.serve({ publicUrl: config.publicUrl, reachableAt: config.publicUrl });
  await listen(server.listen(config), config.port);

  const ready = `${app.brand.name} is ready: ${config.publicUrl}`;
  // What production prints is JSON, line by line.
  if (config.production) return server.app.log.info(ready);
  const lines = [ready, `Sign in as ${john.username} / ${john.password} (development only).`];
  if (demo) lines.push(`The demo identity provider at ${demo.issuer} accepts any name and password.`);
  process.stdout.write(`${lines.join("\n")}\n`);
};

/** The first SIGINT or SIGTERM shuts down in order; a second one, of either kind, ends the process at once. */
const closeOnSignal = (close: () => Promise<void>) => {
  let closing = false;
  const onSignal = () => {
    if (closing) {
      process.stderr.write("Stopped by a second signal, before the shutdown was complete.\n");
      process.exit(1);
    }
    closing = true;
    close().then(
      () => process.exit(0),
      (error) => {
        process.stderr.write(`The shutdown failed: ${error instanceof Error ? error.stack : error}\n`);
        process.exit(1);
      },
    );
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, onSignal);
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
