// Copies the stylesheets to where the compiler puts the modules that import them: `dist`, or the folder that is named.

import { cp } from "node:fs/promises";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

await cp(here("src"), process.argv[2] ?? here("dist"), {
  recursive: true,
  filter: (source) => extname(source) === "" || source.endsWith(".css"),
});
