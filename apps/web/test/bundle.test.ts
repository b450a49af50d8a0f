// What the build consists of: its size, and that nothing of the server is in it.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build, type Rolldown } from "vite";
import { beforeAll, expect, test, vi } from "vitest";

/** What all JavaScript of the app may weigh, compressed by gzip. */
const budgetBytes = 150_000;

const root = join(import.meta.dirname, "..");
let chunks: Rolldown.OutputChunk[];

beforeAll(async () => {
  // As `vite build` has it; React brings its development build otherwise.
  vi.stubEnv("NODE_ENV", "production");
  const result = await build({ root, logLevel: "silent", build: { write: false } });
  const { output } = (Array.isArray(result) ? result[0] : result) as Rolldown.RolldownOutput;
  chunks = output.filter((file) => file.type === "chunk");
});

test("all JavaScript together stays within its budget", () => {
  const publicDirectory = join(root, "public");
  const scripts = [
    ...chunks.map((chunk) => chunk.code),
    ...readdirSync(publicDirectory)
      .filter((name) => name.endsWith(".js"))
      .map((name) => readFileSync(join(publicDirectory, name), "utf8")),
  ];
  const sizeBytes = scripts.reduce((sum, code) => sum + gzipSync(code, { level: 9 }).length, 0);
  process.stdout.write(`JavaScript of the web app: ${(sizeBytes / 1000).toFixed(1)} kB gzip\n`);
  expect(sizeBytes).toBeLessThanOrEqual(budgetBytes);
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
