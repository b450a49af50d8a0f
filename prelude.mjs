// Loaded first by every program of the repository, by `node --import ./prelude.mjs`. Plain JavaScript, so that an older
// Node can run it. Apps load the engine's part as `@lockstep/server/prelude`.

import { existsSync } from "node:fs";

if (!existsSync(new URL("node_modules", import.meta.url))) {
  process.stderr.write("Run `npm run setup` first: it installs the packages, which include Node 24 on Linux.\n");
  process.exit(1);
}
await import("./packages/server/prelude.mjs");
