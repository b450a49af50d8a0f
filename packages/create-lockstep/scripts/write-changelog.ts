// Prepares the next version: reads the changesets, runs `changeset version` to raise the versions of all packages, and
// writes the texts of the changesets to CHANGELOG.md at the root, once for all packages. The upgrade command prints
// them.

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import readChangesets from "@changesets/read";

const repository = join(import.meta.dirname, "../../..");
const file = join(repository, "CHANGELOG.md");
const titles = { major: "Breaking changes", minor: "New", patch: "Fixed", none: "Other" } as const;

const changesets = await readChangesets(repository);
if (changesets.length === 0) {
  process.stderr.write("There is no changeset. Run `npm run changeset` to add one.\n");
  process.exit(1);
}
execFileSync("changeset", ["version"], { cwd: repository, stdio: "inherit" });

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../package.json"), "utf8"));
const kindOf = ({ releases }: (typeof changesets)[number]) =>
  (["major", "minor", "patch"] as const).find((kind) => releases.some(({ type }) => type === kind)) ?? "none";
const parts = Object.entries(titles).flatMap(([kind, title]) => {
  const changes = changesets.filter((changeset) => kindOf(changeset) === kind);
  const items = changes.map(({ summary }) => `- ${summary.trim().replaceAll("\n", "\n  ")}`);
  return items.length > 0 ? [`### ${title}`, items.join("\n")] : [];
});
const [head = "", ...older] = readFileSync(file, "utf8").split(/^(?=## )/m);
writeFileSync(
  file,
  [head.trim(), `## ${version}`, ...parts, ...older.map((text) => text.trim())].join("\n\n").concat("\n"),
);
