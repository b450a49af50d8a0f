// The TypeScript of README.md and of the kit's README compiles against this repository's packages. A line that says that it
// does not compile, does not.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { repository } from "./working-copy.ts";

const blocksOf = (file: string): string[] =>
  [...readFileSync(join(repository, file), "utf8").matchAll(/^```ts\n(.*?)^```/gms)].map(([, code = ""]) =>
    code.replaceAll(/^.*\/\/ does not compile.*$/gm, (line) => `// @ts-expect-error\n${line}`),
  );

/** What the blocks of README.md leave out: imports, and names that the reader has. */
const beforeBlock = [
  `import { defineFeature, Id } from "@lockstep/kit";
   import { z } from "zod";`,
  `import { type Contract, contract } from "@app/contract";
   import type { Tools } from "@lockstep/server";
   import type { NotesTables } from "../../../src/notes.ts";
   const { note } = contract.operations;`,
  `import type { Contract } from "@app/contract";
   import { createClient, errorReader } from "@lockstep/client";
   declare const showTriesLeft: (triesLeft: number) => void;`,
  `import type { Contract } from "@app/contract";
   import { createClient } from "@lockstep/client";
   import { createAuthorization } from "@lockstep/client/oauth";
   declare const url: string, clientId: string;`,
];

/** Compiles modules inside a package, whose dependencies they import. Returns the compiler's output. */
const compile = (packageDirectory: string, modules: readonly string[]): string => {
  const cache = join(repository, packageDirectory, "node_modules/.cache");
  mkdirSync(cache, { recursive: true });
  const directory = mkdtempSync(join(cache, "readme-"));
  try {
    for (const [n, code] of modules.entries()) writeFileSync(join(directory, `block-${n}.ts`), `${code}\nexport {};\n`);
    const config = {
      extends: join(repository, "tsconfig.base.json"),
      compilerOptions: { lib: ["es2024", "dom", "esnext.disposable"], types: ["node"], noUnusedLocals: false },
      files: modules.map((_, n) => `block-${n}.ts`),
    };
    writeFileSync(join(directory, "tsconfig.json"), JSON.stringify(config));
    execFileSync(join(repository, "node_modules/.bin/tsc"), ["-p", directory], { encoding: "utf8" });
    return "";
  } catch (error) {
    return (error as { stdout?: string }).stdout ?? String(error);
  } finally {
    rmSync(directory, { recursive: true });
  }
};

test("the code of README.md compiles", () => {
  const blocks = blocksOf("README.md");
  expect(blocks).toHaveLength(beforeBlock.length);
  const modules = blocks.map((code, n) => `${beforeBlock[n]}\n${code}`);
  expect(modules.join("")).toContain("@ts-expect-error");
  expect(compile("packages/contract", modules.slice(0, 1))).toBe("");
  expect(compile("apps/server", modules.slice(1))).toBe("");
});

test("the code of the kit's README compiles", () => {
  expect(compile("packages/contract", blocksOf("packages/kit/README.md"))).toBe("");
});
