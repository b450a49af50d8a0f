// The content of the build: its size, and that it contains no module of the server.

import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build, type Rolldown } from "vite";
import { beforeAll, expect, test, vi } from "vitest";

/**
 * The maximum size, in gzip, of what the account page loads first: the entry and its static imports. Less common pages
 * are loaded when they are opened.
 */
const firstLoadBudgetBytes = 151_000;

/**
 * The maximum size of all scripts, including pages that are loaded later. No browser loads all of it at once. The
 * estimator of new passwords is 14 kB of it.
 */
const wholeBudgetBytes = 256_000;

const root = join(import.meta.dirname, "..");
let chunks: Rolldown.OutputChunk[];
/** The other scripts that the page names. */
let scripts: string[];

beforeAll(async () => {
  // As in `vite build`. Otherwise React uses its development build.
  vi.stubEnv("NODE_ENV", "production");
  const result = await build({ root, logLevel: "silent", build: { write: false } });
  const { output } = (Array.isArray(result) ? result[0] : result) as Rolldown.RolldownOutput;
  chunks = output.filter((file) => file.type === "chunk");
  scripts = output.flatMap((file) =>
    file.type === "asset" && file.fileName.endsWith(".js") ? [file.source.toString()] : [],
  );
});

const sizeBytesOf = (scripts: readonly string[]) =>
  scripts.reduce((sum, code) => sum + gzipSync(code, { level: 9 }).length, 0);

const inKilobytes = (sizeBytes: number) => `${(sizeBytes / 1000).toFixed(1)} kB gzip`;

const ofOtherPages =
  /src\/(pages\/(consent|device|apps|developer|email|not-found|password|proof|recover|security|sessions|sign-up|your-data)|proofs)\/|@zxcvbn-ts\//;

/** The entry and its static imports. */
const firstLoad = () => {
  const needed = new Set<string>();
  const need = (fileName: string) => {
    if (needed.has(fileName)) return;
    needed.add(fileName);
    chunks.find((chunk) => chunk.fileName === fileName)?.imports.forEach(need);
  };
  for (const { isEntry, fileName } of chunks) if (isEntry) need(fileName);
  return chunks.filter(({ fileName }) => needed.has(fileName));
};

test("the JavaScript that the account page loads first stays within its budget", () => {
  const loaded = firstLoad();
  const modules = loaded.flatMap((chunk) => chunk.moduleIds);
  expect(modules).toContainEqual(expect.stringMatching(/src\/pages\/account\/account\.tsx$/));
  expect(modules.filter((id) => ofOtherPages.test(id))).toEqual([]);
  expect(loaded.map((chunk) => chunk.code).join("")).not.toContain("EventSource");
  const sizeBytes = sizeBytesOf([...loaded.map((chunk) => chunk.code), ...scripts]);
  process.stdout.write(`JavaScript before the account page: ${inKilobytes(sizeBytes)}\n`);
  expect(sizeBytes).toBeLessThanOrEqual(firstLoadBudgetBytes);
});

test("all JavaScript together stays within its budget", () => {
  const sizeBytes = sizeBytesOf([...chunks.map((chunk) => chunk.code), ...scripts]);
  process.stdout.write(`JavaScript of the whole web app: ${inKilobytes(sizeBytes)}\n`);
  expect(sizeBytes).toBeLessThanOrEqual(wholeBudgetBytes);
});

test("no module of the server is in the bundle", () => {
  const modules = chunks.flatMap((chunk) => chunk.moduleIds);
  expect(modules).toContainEqual(expect.stringMatching(/apps\/web\/src\/main\.tsx$/));
  expect(modules).toContainEqual(expect.stringMatching(/packages\/client\/src\//));

  const ofServers =
    /apps\/(server|cli)\/|\/node_modules\/(fastify|@fastify|kysely|postgres|jose|pino|@node-rs|oidc-provider|openid-client)\b|\/@trpc\/server\/.*\/adapters\/|^node:|__vite-browser-external/;
  expect(modules.filter((id) => ofServers.test(id))).toEqual([]);

  const imported = chunks.flatMap((chunk) => [...chunk.imports, ...chunk.dynamicImports]);
  const own = new Set(chunks.map((chunk) => chunk.fileName));
  expect(imported.filter((id) => !own.has(id))).toEqual([]);
});
