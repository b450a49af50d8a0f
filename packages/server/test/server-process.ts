// Waits for `ServerSettings` from its parent, runs a server, sends its URL to the parent, and ends with it. Hashing is
// cheap and the grace window long, so that tests of races and sudden ends spend their time on those.

import { once } from "node:events";
import { enableCompileCache } from "node:module";
import { join } from "node:path";
import type { ServerSettings } from "./servers.ts";

enableCompileCache(join(import.meta.dirname, "../../../node_modules/.cache/node-compile"));
const asked = once(process, "message") as Promise<[ServerSettings]>;
const { createServer } = await import("../src/server.ts");
const { realWorld } = await import("../src/world.ts");
const { testConfig, testSessionLimits } = await import("../src/testing.ts");

const { fixtureApp } = await import("../src/fixture-app.ts");

const [{ databaseUrl, publicUrl, port = 0, poolSize, databaseLimitMs = 60_000 }] = await asked;
const server = await createServer({
  app: fixtureApp,
  config: {
    ...testConfig(databaseUrl),
    ...(publicUrl !== undefined && { publicUrl }),
    ...(poolSize !== undefined && { databasePool: poolSize }),
    sessionLimits: { ...testSessionLimits, graceSeconds: 60 },
  },
  world: { ...realWorld, databaseLimitMs },
});
process.once("disconnect", () => void server.close().then(() => process.exit(0)));
const url = await server.app.listen({ port, host: "127.0.0.1" });
if (process.connected) process.send?.(url);
