// The server's process.

import { resolve } from "node:path";
import { startServer } from "@lockstep/server";
import { app } from "./app.ts";

const root = resolve(import.meta.dirname, "../../..");

await startServer(app, { root, webDirectory: resolve(root, "apps/web/dist") });
