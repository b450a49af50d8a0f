// Copies the database at `argv[2]` to the one at `argv[3]` in a process of its own, and kills itself in the midst of the chunk
// after the number of chunks in `argv[4]`, like a machine that loses power.

import { copyDatabase } from "../src/db/copy.ts";
import { type DatabaseUrl, openDatabase } from "../src/db/database.ts";

const [from, to, chunks] = process.argv.slice(2);
let left = Number(chunks);

await copyDatabase({
  source: await openDatabase(from as DatabaseUrl), // the test's own
  target: await openDatabase(to as DatabaseUrl), // the test's own
  sourceName: "the source",
  appMigrations: [],
  more: false,
  onProgress() {
    // The next chunk's statements are on their way by then.
    if (--left === 0) setTimeout(() => process.kill(process.pid, "SIGKILL"), Math.random() * 10);
  },
});
