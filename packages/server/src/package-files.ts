// Owns the paths of files that come with the engine and are read or run. An app's bundle contains the engine's code
// elsewhere, so they are found by the package's name.

import { createRequire } from "node:module";

const engine = createRequire(import.meta.url).resolve("@lockstep/server");

/** The path of a file in the engine's package, or in one of its dependencies: `swagger-ui-dist/package.json`. */
export const packageFile = (specifier: string): string => createRequire(engine).resolve(specifier);
