// The process: settings, listening, signals. With `admin.ts`, the only file that touches `process`.

import { resolve } from "node:path";
import { startDemoProvider } from "./demo-provider.ts";
import { john, loadConfigWithSecret, seedDemoApplication, seedJohn } from "./development.ts";
import { createServer, realWorld } from "./server.ts";
import { StartError } from "./start-error.ts";

const root = resolve(import.meta.dirname, "../../..");

const start = async () => {
  const settings = loadConfigWithSecret(process.env, root, realWorld.random);
  const demo = settings.demoProvider ? await startDemoProvider("demo", settings.demoProviderPort) : null;
  const config = demo ? { ...settings, providers: [...settings.providers, demo.settings] } : settings;
  const server = await createServer({ config, logger: { level: config.logLevel } });
  if (!config.production) {
    await seedJohn(server.domain);
    await seedDemoApplication(server.domain);
  }

  closeOnSignal(async () => {
    await server.close();
    await demo?.end();
  });
  await demo?.serve({ publicUrl: config.publicUrl, reachableAt: config.publicUrl });
  await listen(server.listen(config), config.port);

  const lines = [`Lockstep is ready: ${config.publicUrl}`];
  if (!config.production) lines.push(`Sign in as ${john.username} / ${john.password} (development only).`);
  if (demo) lines.push(`The demo provider at ${demo.issuer} signs in anybody, under any name.`);
  process.stdout.write(`${lines.join("\n")}\n`);
};

/** The first SIGINT or SIGTERM closes in order; a second one, of either kind, ends the process at once. */
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
      throw new StartError(`Port ${port} is in use. Stop what uses it, or choose another: PORT=${port + 1} npm start`);
    }
    if (code === "EACCES")
      throw new StartError(`Port ${port} is not allowed for this user. Choose one above 1023: PORT=3000`);
    throw error;
  }
};

try {
  await start();
} catch (error) {
  if (!(error instanceof StartError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
