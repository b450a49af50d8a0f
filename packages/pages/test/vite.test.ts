import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createLogger, createServer, resolveConfig } from "vite";
import { expect, it } from "vitest";
import { lockstep } from "../src/vite.ts";

/** Modules that run on a developer's machine or a server, are for other frameworks, or have code of others as text. */
const elsewhere = /(^|\/)(eject|vite|node|server|browser-request|vue|svelte|code-to-paste)\.ts$|\.test|\.d\.ts$/;

const importOf = /^(?:import|export) (?!type)[^;]*?from "([^".][^"]*)";$/gms;
const dynamicImportOf = /await import\("([^".][^"]*)"\)/g;

/** Packages that the modules of a folder import in a browser. */
const importedIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.tsx?$/.test(file) && !elsewhere.test(file))
    .map((file) => readFileSync(join(folder, file), "utf8"))
    .flatMap((text) => [...text.matchAll(importOf), ...text.matchAll(dynamicImportOf)])
    .map(([, name = ""]) => name)
    // First-party web apps need no OAuth client.
    .filter((name) => !name.startsWith("@lockstep/") && name !== "oauth4webapi");

it("lists for Vite every library that the pages import, since Vite does not search packages", async () => {
  const { optimizeDeps } = await resolveConfig(
    { configFile: false, plugins: lockstep({ brand: { name: "Test" } }) },
    "serve",
  );
  const named = (optimizeDeps.include ?? []).map((name) => name.split(" > ").at(-1)).sort();
  const pages = importedIn(join(import.meta.dirname, "../src"));
  const client = importedIn(join(import.meta.dirname, "../../client/src"));
  // JSX compiles to this import, which no source contains.
  expect(named).toEqual([...new Set([...pages, ...client, "react/jsx-runtime"])].sort());
});

it("prints that the pages are opened at the server's address, and no warning", async () => {
  const printed: string[] = [];
  const print = (text: string) => void printed.push(text);
  const customLogger = { ...createLogger(), info: print, warn: print, warnOnce: print };
  const plugins = lockstep({ brand: { name: "Test" } });
  const server = await createServer({
    configFile: false,
    customLogger,
    plugins,
    optimizeDeps: { noDiscovery: true, include: [] },
  });
  try {
    server.printUrls();
    expect(printed).toEqual([
      "  http://localhost:5173/ serves the modules of the pages. Open the server's address instead.",
    ]);
  } finally {
    await server.close();
  }
});
