// The process of the admin commands: `npm run lockstep -- …`.

import { resolve } from "node:path";
import { addEjectCommand } from "@lockstep/pages/eject";
import { startAdmin } from "@lockstep/server/admin";
import { app } from "./app.ts";

await startAdmin(app, { root: resolve(import.meta.dirname, "../../.."), commands: [addEjectCommand] });
