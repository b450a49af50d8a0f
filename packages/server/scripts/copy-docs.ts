// Copies the documentation for people who build and run apps into this package, so that an app has the pages of its version
// without a network. An optional argument names the output folder.

import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const docs = resolve(import.meta.dirname, "../../../docs");
const folder = process.argv[2] ?? resolve(import.meta.dirname, "../dist/docs");

/** Pages about this repository, or that every app has in another form. */
const leftOut = ["access.md", "api-report.md", "performance.md"];
const others = ["nginx.conf"];
const pages = readdirSync(docs).filter((name) => name.endsWith(".md") && !leftOut.includes(name));

/** Links to other files become text. */
const withinDocs = (page: string): string =>
  page.replaceAll(/\[([^\]]+)\]\(([^)\s]+)\)/g, (link, text: string, target: string) => {
    const [path = ""] = target.split("#");
    return /^[a-z]+:/.test(target) || path === "" || [...pages, ...others].includes(path) ? link : text;
  });

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
for (const name of pages) writeFileSync(join(folder, name), withinDocs(readFileSync(join(docs, name), "utf8")));
for (const name of others) copyFileSync(join(docs, name), join(folder, name));
