// docs/frontends.md shows the code of the examples, and its table has a row with the versions of each. What the tests of the
// examples rely on: their size, and the commands of their READMEs.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { commandsOf, pages, programs } from "./example-projects.ts";
import { repository } from "./working-copy.ts";

const read = (file: string) => readFileSync(join(repository, file), "utf8");
const document = read("docs/frontends.md");

const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "examples"], {
  cwd: repository,
  encoding: "utf8",
})
  .trim()
  .split("\n")
  .filter((file) => existsSync(join(repository, file)));
const names = [...new Set(files.map((file) => file.split("/")[1] ?? ""))].filter((name) => name !== "README.md");

const manifestOf = (name: string) => JSON.parse(read(`examples/${name}/package.json`));
const dependenciesOf = (name: string): Record<string, string> => {
  const { dependencies, devDependencies } = manifestOf(name);
  return { ...dependencies, ...devDependencies };
};

test("the tests of the examples run all of them", () => {
  expect([...programs, ...Object.keys(pages)].sort()).toEqual(names.sort());
});

const blocks = [...document.matchAll(/^```\w+ title=(\S+)\n(.*?)^```$/gms)];

test.each(blocks.map(([, file = "", code = ""]) => ({ file, code })))(
  "docs/frontends.md shows code of $file",
  ({ file, code }) => {
    expect(read(file)).toContain(code);
  },
);

test("docs/frontends.md shows no other code", () => {
  expect(document.match(/^```\w/gm)).toHaveLength(blocks.length);
});

describe.each(names)("examples/%s", (name) => {
  test("has a row in docs/frontends.md, with its versions", () => {
    const row = document.split("\n").find((line) => line.includes(`](../examples/${name}/)`)) ?? "";
    const versions = [...row.matchAll(/`([^`]+)` (\d[\d.]*)/g)].map(([, dependency = "", version]) => [
      dependency,
      version,
    ]);
    expect(versions).not.toEqual([]);
    const dependencies = dependenciesOf(name);
    expect(versions).toEqual(versions.map(([dependency = ""]) => [dependency, dependencies[dependency]]));
  });

  test("has at most 150 lines, without blank lines, manifests and settings in JSON", () => {
    const counted = files.filter((file) => file.startsWith(`examples/${name}/`) && !/\.(jsonc?|md)$/.test(file));
    const lines = counted.flatMap((file) =>
      read(file)
        .split("\n")
        .filter((line) => line.trim() !== ""),
    );
    expect(lines.length).toBeLessThanOrEqual(150);
  });

  test("pins its dependencies, but takes our newest packages", () => {
    const ranges = Object.entries(dependenciesOf(name)).filter(([dependency, range]) =>
      dependency.startsWith("@lockstep/") ? range !== "latest" : !/^\d+\.\d+\.\d+$/.test(range),
    );
    expect(ranges).toEqual([]);
  });

  test("has a README with its commands", async () => {
    const [install, ...commands] = await commandsOf(name);
    expect(install).toBe("npm install");
    const scripts = commands.map((command) => /npm (?:run )?(\w+)$/.exec(command)?.[1]);
    expect(scripts).not.toEqual([]);
    expect(Object.keys(manifestOf(name).scripts)).toEqual(expect.arrayContaining(scripts));
  });
});
