// Owns a bundle of `server-process.ts`. It starts in a third of the processor time that the sources take, which pays for tests
// that start many servers.

import { join } from "node:path";
import { build } from "rolldown";

/** Bundles the program of `prepareServer`, and returns its file. */
export const bundleServer = async (): Promise<string> => {
  // Within the package and as deep as this folder, so that other files are found. Always the same, for the compile cache.
  const directory = join(import.meta.dirname, "../.cache");
  await build({
    input: join(import.meta.dirname, "server-process.ts"),
    platform: "node",
    // It contains a binary for each platform.
    external: ["@node-rs/bcrypt"],
    output: {
      dir: directory,
      // Some libraries read the names of their classes.
      keepNames: true,
    },
    // `depd`, an indirect dependency, uses it.
    checks: { eval: false },
  });
  return join(directory, "server-process.js");
};
