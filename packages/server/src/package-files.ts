// Owns where files are that come with the engine and are read or run as files. An app's bundle has the engine's code in a
// place of its own, so they are found by the name of the package.

import { createRequire } from "node:module";

const engine = createRequire(import.meta.url).resolve("@lockstep/server");

/** The path of a file of the engine's package, or of one that it depends on: `swagger-ui-dist/package.json`. */
export const packageFile = (specifier: string): string => createRequire(engine).resolve(specifier);
