// Owns which files a container image has: the built server and web app, and the few packages that the bundle finds by their
// names. `npm run image -- FOLDER` copies them to an empty folder. Run the build first.

import { cpSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  process.stderr.write("Usage: npm run image -- FOLDER\n");
  process.exit(2);
}

/** Copies a file or folder. Package managers link packages, so what is behind the links. */
const copy = (from: string, to: string, left = /^$/): void =>
  cpSync(from, join(folder, to), { recursive: true, dereference: true, filter: (file) => !left.test(file) });

const root = resolve(import.meta.dirname, "../..");
for (const built of ["apps/server/package.json", "apps/server/dist", "apps/web/dist"]) copy(join(root, built), built);

// The engine, of which the bundle needs only the place.
const own = createRequire(import.meta.url);
const engine = own.resolve("@lockstep/server");
const engineFolder = dirname(own.resolve("@lockstep/server/prelude"));
for (const file of ["package.json", "prelude.mjs", relative(engineFolder, engine)])
  copy(join(engineFolder, file), join("node_modules/@lockstep/server", file));

// The page of `/docs`, without its variants for bundlers.
const docs = createRequire(engine).resolve("swagger-ui-dist/package.json");
copy(dirname(docs), "node_modules/swagger-ui-dist", /\.map$|-es-bundle/);

// Password hashing. The package has a binary for each platform, of which this machine's is installed.
const hashing = own.resolve("@node-rs/bcrypt");
copy(dirname(hashing), "node_modules/@node-rs/bcrypt", /bcrypt\/node_modules/);
const { optionalDependencies } = JSON.parse(readFileSync(join(dirname(hashing), "package.json"), "utf8"));
for (const name of Object.keys(optionalDependencies)) {
  try {
    copy(dirname(createRequire(hashing).resolve(name)), join("node_modules", name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") throw error;
  }
}
