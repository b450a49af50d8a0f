// Every link in the documentation leads to a file of this repository, and to a heading that it has. Every path that it
// names exists.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";
import { repository } from "./working-copy.ts";

const documents = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "*.md"], {
  cwd: repository,
  encoding: "utf8",
})
  .trim()
  .split("\n")
  .filter((file) => existsSync(join(repository, file)));

const read = (file: string) => readFileSync(join(repository, file), "utf8");

/** The anchors of a document's headings, as GitHub makes them. */
const anchorsOf = (file: string): string[] =>
  [...read(file).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );

const brokenLinksOf = (file: string): string[] => {
  const text = read(file).replaceAll(/^```.*?^```/gms, "");
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
  return targets.filter((target) => {
    if (/^[a-z]+:/.test(target)) return false;
    const [path = "", anchor] = target.split("#");
    const linked = path === "" ? file : normalize(join(dirname(file), path));
    if (!existsSync(join(repository, linked))) return true;
    return anchor !== undefined && !anchorsOf(linked).includes(anchor);
  });
};

test.each(documents)("the links of %s resolve", (file) => {
  expect(brokenLinksOf(file)).toEqual([]);
});

/** Pages that are published without the rest of this repository. */
const published = documents.filter((file) =>
  /^packages\/(client|create-lockstep|kit|pages|server)\/README\.md$/.test(file),
);

test.each(published)("%s has no link that leaves its package", (file) => {
  const targets = [...read(file).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
  expect(targets.filter((target) => target.startsWith(".."))).toEqual([]);
});

/** Pages that name files of another app: one that the reader writes, or has created. */
const otherApps = ["docs/your-first-feature.md", "docs/pages.md", "packages/create-lockstep"];

const missingPathsOf = (file: string): string[] =>
  [...read(file).matchAll(/`((?:apps|packages|docs|test)\/[\w./-]+)`/g)]
    .map(([, path = ""]) => path)
    .filter((path) => !existsSync(join(repository, path)));

test.each(documents.filter((file) => !otherApps.some((other) => file.startsWith(other))))(
  "the paths in %s exist",
  (file) => {
    expect(missingPathsOf(file)).toEqual([]);
  },
);
