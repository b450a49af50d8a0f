// Loaded first by every program of the repository, by `node --import ./prelude.mjs`. Plain JavaScript, so that an older
// Node can run it and no types have to be stripped before the compile cache is on.

import { existsSync } from "node:fs";
import module from "node:module";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

if (Number(process.versions.node.split(".")[0]) < 24) {
  const remedy = existsSync(here("node_modules"))
    ? "Install it from your system or a version manager, and try again."
    : "Run `npm run setup` first: it installs the packages, which include Node 24 on Linux.";
  process.stderr.write(`Lockstep needs Node 24 or newer; this is ${process.version}. ${remedy}\n`);
  process.exit(1);
}

// Sources are stripped of types and compiled once. Later starts take a quarter of the time and a seventh of the memory.
module.enableCompileCache(here("node_modules/.cache/node-compile"));

// Passwords are hashed on the threads of libuv's pool, one for each core. Two more stay free for files, DNS and
// signatures. libuv reads this once, when the pool is first used.
process.env.UV_THREADPOOL_SIZE ??= String(Math.max(4, availableParallelism() + 2));
