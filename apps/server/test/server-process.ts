// Waits for a database's URL, and perhaps for the URL that clients know the server by, runs a server on it and sends the
// URL that it listens at to the parent; ends with it. Hashing is cheap
// and the grace window long, so that tests of races and of sudden ends spend their time on those.

import { once } from "node:events";
import { enableCompileCache } from "node:module";
import { join } from "node:path";
import type { DatabaseUrl } from "../src/db/database.ts";

enableCompileCache(join(import.meta.dirname, "../../../node_modules/.cache/node-compile"));
const asked = once(process, "message") as Promise<[{ databaseUrl: DatabaseUrl; publicUrl?: string }]>;
const { createServer } = await import("../src/server.ts");
const { testConfig, testSessionLimits } = await import("../src/testing.ts");

const [{ databaseUrl, publicUrl }] = await asked;
const server = await createServer({
  config: {
    ...testConfig(databaseUrl),
    ...(publicUrl !== undefined && { publicUrl }),
    sessionLimits: { ...testSessionLimits, graceSeconds: 60 },
  },
});
process.once("disconnect", () => void server.close().then(() => process.exit(0)));
const url = await server.app.listen({ port: 0, host: "127.0.0.1" });
if (process.connected) process.send?.(url);
