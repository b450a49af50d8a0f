import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const source = join(import.meta.dirname, "../src");

it("the kit imports only zod", () => {
  const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  const imported = files.flatMap((name) => {
    const text = readFileSync(join(source, name), "utf8");
    return [...text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map(([, specifier]) => specifier ?? "");
  });
  expect(imported.length).toBeGreaterThan(10);
  expect([...new Set(imported.filter((specifier) => !/^\.{1,2}\/(operations\/)?[\w-]+\.ts$/.test(specifier)))]).toEqual(
    ["zod"],
  );
});
