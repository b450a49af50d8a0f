// Copies the stylesheets to where the compiler puts the modules that import them.

import { cp } from "node:fs/promises";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

await cp(here("src"), here("dist"), {
  recursive: true,
  filter: (source) => extname(source) === "" || source.endsWith(".css"),
});
