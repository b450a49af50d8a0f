// Runs the admin commands of the fixture app as a process, like an app's `admin.ts`.

import { resolve } from "node:path";
import { fixtureApp } from "../src/fixture-app.ts";
import { startAdmin } from "../src/start-admin.ts";

await startAdmin(fixtureApp, { root: resolve(import.meta.dirname, "../../..") });
