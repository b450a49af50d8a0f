// The published package: built, and used with its stylesheets by a web app outside of this repository's sources.

import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { build, type Rolldown } from "vite";
import { expect, onTestFinished, test } from "vitest";
import type * as VitePlugin from "../src/vite.ts";

const execute = promisify(execFile);
const ours = join(import.meta.dirname, "..");

/** A package as it is published: what was built, and the entries that lead there. */
const publish = async (source: string, to: string) => {
  const tsc = join(ours, "node_modules/typescript/bin/tsc");
  await execute(process.execPath, [tsc, "-p", "tsconfig.build.json", "--outDir", join(to, "dist")], { cwd: source });
  const { publishConfig, ...manifest } = JSON.parse(await readFile(join(source, "package.json"), "utf8"));
  await writeFile(join(to, "package.json"), JSON.stringify({ ...manifest, ...publishConfig }));
  // Its dependencies, but not in the sources of this repository.
  await mkdir(join(to, "node_modules/@lockstep"), { recursive: true });
  for (const name of Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })) {
    if (name.startsWith("@lockstep/")) continue;
    await mkdir(dirname(join(to, "node_modules", name)), { recursive: true });
    await symlink(await realpath(join(source, "node_modules", name)), join(to, "node_modules", name));
  }
};

test("a web app builds with the built package, its stylesheets, and pages that are loaded on demand", async () => {
  const root = await mkdtemp(join(tmpdir(), "lockstep-pages-"));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const packages = join(root, "node_modules/@lockstep");
  for (const name of ["kit", "client", "pages"]) {
    await mkdir(join(packages, name), { recursive: true });
    await publish(join(ours, "..", name), join(packages, name));
  }
  await execute(process.execPath, [join(ours, "copy-styles.mjs"), join(packages, "pages/dist")]);
  await cp(join(ours, "src/pages"), join(packages, "pages/src/pages"), { recursive: true });
  for (const name of ["react", "react-dom", "wouter", "@mantine/core", "@tanstack/react-query", "zod", "vite"]) {
    await mkdir(dirname(join(root, "node_modules", name)), { recursive: true });
    await symlink(await realpath(join(ours, "node_modules", name)), join(root, "node_modules", name));
  }
  await mkdir(join(root, "src"));
  await writeFile(join(root, "package.json"), JSON.stringify({ name: "app", type: "module" }));
  await writeFile(join(root, "index.html"), '<div id="root"></div><script type="module" src="/src/main.js"></script>');
  await writeFile(
    join(root, "src/pages.ts"),
    'import { definePages } from "@lockstep/pages/paths";\nexport const ownPages = definePages([]);\n',
  );
  await writeFile(
    join(root, "src/main.js"),
    `import { LockstepApp, mountApp } from "@lockstep/pages";
import { createBackend } from "@lockstep/pages/backend";
import "@lockstep/pages/styles.css";
import { createElement } from "react";
import { ownPages } from "./pages.ts";
const backend = createBackend();
const shell = ({ children }) => children;
const brand = { name: "Shop" };
mountApp(() => createElement(LockstepApp, { backend, brand, loadScopes: async () => ({}), shell, ownPages }));
`,
  );

  const plugin: typeof VitePlugin = await import(join(packages, "pages/dist/vite.js"));
  const result = await build({
    root,
    configFile: false,
    logLevel: "silent",
    plugins: [plugin.lockstep({ brand: { name: "Shop", colors: { light: "#123456", dark: "#abcdef" } } })],
  });
  const { output } = (Array.isArray(result) ? result[0] : result) as Rolldown.RolldownOutput;
  const chunks = output.filter((file) => file.type === "chunk");
  const entry = chunks.find(({ isEntry }) => isEntry);
  const modules = chunks.flatMap(({ moduleIds }) => moduleIds);
  expect(modules.filter((id) => id.includes("/packages/"))).toEqual([]);
  expect(entry?.moduleIds).toContainEqual(
    expect.stringMatching(/@lockstep\/pages\/dist\/pages\/account\/account\.js$/),
  );
  expect(entry?.moduleIds).not.toContainEqual(expect.stringContaining("/pages/developer/"));
  expect(modules).toContainEqual(expect.stringMatching(/@lockstep\/pages\/dist\/pages\/developer\/developer\.js$/));

  const files = await readdir(join(root, "dist"), { recursive: true });
  const styles = files.filter((file) => file.endsWith(".css"));
  const css = (await Promise.all(styles.map((file) => readFile(join(root, "dist", file), "utf8")))).join("");
  expect(css).toContain("--color-accent: #123456");
  expect(css).toContain(".mantine-Button-root");
  expect(css).toMatch(/\._card_\w+/);
  expect(JSON.parse(await readFile(join(root, "dist/pages.json"), "utf8"))).toContain("/sign-in");
  expect(await readFile(join(root, "dist/index.html"), "utf8")).toContain("<title>Shop</title>");
});
