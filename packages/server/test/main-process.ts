// Runs the server of the fixture app as a process, like an app's `main.ts`.

import { resolve } from "node:path";
import { fixtureApp } from "../src/fixture-app.ts";
import { startServer } from "../src/start.ts";

await startServer(fixtureApp, { root: resolve(import.meta.dirname, "../../..") });
