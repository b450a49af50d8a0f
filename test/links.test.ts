// Every link in the documentation leads to a file of this repository, and to a heading that it has. Every path that it
// names exists.

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
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

const read = (file: string, folder = repository) => readFileSync(join(folder, file), "utf8");

/** The anchors of a document's headings, as GitHub makes them. */
const anchorsOf = (file: string, folder?: string): string[] =>
  [...read(file, folder).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );

const brokenLinksOf = (file: string, folder = repository): string[] => {
  const text = read(file, folder).replaceAll(/^```.*?^```/gms, "");
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
  return targets.filter((target) => {
    if (/^[a-z]+:/.test(target)) return false;
    const [path = "", anchor] = target.split("#");
    const linked = path === "" ? file : normalize(join(dirname(file), path));
    if (!existsSync(join(folder, linked))) return true;
    return anchor !== undefined && !anchorsOf(linked, folder).includes(anchor);
  });
};

test.each(documents)("the links of %s resolve", (file) => {
  expect(brokenLinksOf(file)).toEqual([]);
});

test("the links of the pages that @lockstep/server comes with resolve", () => {
  const folder = mkdtempSync(join(tmpdir(), "lockstep-docs-"));
  execFileSync(process.execPath, [join(repository, "packages/server/scripts/copy-docs.ts"), folder]);
  const pages = readdirSync(folder).filter((name) => name.endsWith(".md"));
  expect(pages).toEqual(expect.arrayContaining(["deploy.md", "settings.md"]));
  expect(pages.flatMap((name) => brokenLinksOf(name, folder))).toEqual([]);
  rmSync(folder, { recursive: true });
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
