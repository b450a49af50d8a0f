// Loaded first by every program of an app, by `node --import @lockstep/server/prelude`. Plain JavaScript, so that an older
// Node can run it and no types have to be stripped before the compile cache is on.

import { existsSync } from "node:fs";
import module from "node:module";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";

if (Number(process.versions.node.split(".")[0]) < 24) {
  process.stderr.write(
    `Lockstep needs Node 24 or newer; this is ${process.version}. Install it from your system or a version manager, and try again.\n`,
  );
  process.exit(1);
}

/** The nearest `node_modules` above a folder: nobody else on the machine writes there. */
const packagesAbove = (folder) => {
  const packages = join(folder, "node_modules");
  if (existsSync(packages)) return packages;
  return dirname(folder) === folder ? null : packagesAbove(dirname(folder));
};

// Sources are stripped of types and compiled once. Later starts take a quarter of the time and a seventh of the memory.
const packages = packagesAbove(process.cwd());
if (packages !== null) module.enableCompileCache(join(packages, ".cache/node-compile"));

// Passwords are hashed on the threads of libuv's pool, one for each core. Two more stay free for files, DNS and
// signatures. libuv reads this once, when the pool is first used.
process.env.UV_THREADPOOL_SIZE ??= String(Math.max(4, availableParallelism() + 2));
