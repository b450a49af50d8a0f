// Runs before any program of ours, by `node --import ./prelude.mjs`. Plain JavaScript, so that an older Node
// can run it, and so that nothing has to be stripped of types before the cache is there.

import module from "node:module";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";

if (Number(process.versions.node.split(".")[0]) < 24) {
  process.stderr.write(
    `Lockstep needs Node 24 or newer; this is ${process.version}. Install it from your system or a version manager, and try again.\n`,
  );
  process.exit(1);
}

// From the second start on, sources are neither stripped of types nor compiled again: a quarter of the time to
// load, and a seventh of the memory.
module.enableCompileCache(fileURLToPath(new URL("node_modules/.cache/node-compile", import.meta.url)));

// Passwords are hashed on the threads of libuv's pool, one for each core. Two more stay free for files, DNS and
// signatures. libuv reads this once, when the pool is first used.
process.env.UV_THREADPOOL_SIZE ??= String(Math.max(4, availableParallelism() + 2));
