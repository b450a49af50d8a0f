// Generates the templates of new apps from the app of this repository, one with and one without the example features:
// `apps/server`, `apps/web` and `packages/contract`, with published versions in their manifests, and the files of
// `root/` around them. An optional argument names the output folder.

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { parse } from "yaml";
import { packedName, placeholders, type Variant, variants } from "../src/template.ts";

const here = join(import.meta.dirname, "..");
const repository = join(here, "../..");
const read = (file: string): string => readFileSync(join(repository, file), "utf8");
const { catalog } = parse(read("pnpm-workspace.yaml")) as { catalog: Readonly<Record<string, string>> };
const { optionalDependencies: nodes } = JSON.parse(read("package.json")) as { optionalDependencies: object };
const { version } = JSON.parse(readFileSync(join(here, "package.json"), "utf8")) as { version: string };

/** Folders that the app owns. */
const folders = ["packages/contract", "apps/server", "apps/web", "deploy"];
/** Files around them that are copied unchanged. */
const shared = [
  "tsconfig.base.json",
  "vitest.shared.ts",
  ".node-version",
  ".pnpmfile.mjs",
  "docs/access.md",
  "Dockerfile",
  ".dockerignore",
  "compose.yaml",
];
/** Tests that need more of this repository than the app. */
const leftOut = [/^apps\/web\/test\//, /^apps\/server\/test\/(bundle|image|openapi)\.test\.ts$/];

/** Files, and lines of shared files, that only the variant with examples has. */
const examples = {
  files: /(^|\/)(notes|protected-route)\./,
  lines: /notes?\b|notes?[A-Z]|protected-?route|\bdemo\b|demoProcedures/i,
  sharedFiles: [
    "packages/contract/src/contract.ts",
    "packages/contract/src/index.ts",
    "apps/server/src/app.ts",
    "apps/web/src/pages.ts",
    "apps/web/src/words.ts",
    "docs/access.md",
  ],
};

type Edit = readonly [before: string | RegExp, after: string];
type Edits = Readonly<Record<string, readonly Edit[]>>;

/** Edits of files: the app's own name, and the removal of the demo client, which new apps don't have. */
const appEdits: Edits = {
  "apps/server/src/app.ts": [[/^ {2}developmentClients: \{\n.*?^ {2}\},\n/ms, ""]],
  // An app checks one package at a time.
  "tsconfig.base.json": [[/,\n {4}\/\/.*\n {4}"checkers": 1/, ""]],
  "packages/contract/src/brand.ts": [['name: "Lockstep"', `name: "${placeholders.name}"`]],
  Dockerfile: [
    ["RUN npm run setup\n", `RUN ${placeholders.install}\n`],
    [/RUN npx .* turbo run build .*/, "RUN npm run build"],
    ["docs/deploy.md", "README.md"],
  ],
  "compose.yaml": [["docs/deploy.md explains", "README.md explains"]],
  "deploy/lockstep.service": [["docs/deploy.md has", "README.md has"]],
  "deploy/prometheus-alerts.yaml": [[" (docs/deploy.md)", ""]],
};

const edit = (file: string, text: string, edits: Edits): string =>
  (edits[file] ?? []).reduce((before, [from, to]) => {
    const after = before.replace(from, to);
    if (after === before) throw new Error(`${file} does not contain ${from}. Adapt the edit in make-template.ts.`);
    return after;
  }, text);

const withoutExamples = (file: string, text: string): string => {
  if (!examples.sharedFiles.includes(file)) return text;
  const kept = text.split("\n").filter((line) => !examples.lines.test(line));
  // Write lists that are now empty on one line.
  return kept
    .join("\n")
    .replaceAll(/\[\n\s*\]/g, "[]")
    .replaceAll(/\{\n\s*\}(?!\))/g, "{}")
    .replaceAll(/\(tools\) => \(\{\n\s*\}\)/g, "() => ({})");
};

type Versions = Readonly<Record<string, string | object>>;

/** Replaces versions that only a pnpm workspace understands by published ones. */
const published = (versions: Versions): Versions =>
  Object.fromEntries(
    Object.entries(versions).map(([name, range]) => {
      if (typeof range === "object") return [name, published(range as Versions)];
      if (range.startsWith("workspace:")) return [name, name.startsWith("@app/") ? "*" : `^${version}`];
      if (range !== "catalog:") return [name, range];
      const known = catalog[name];
      if (known === undefined) throw new Error(`The catalog has no ${name}`);
      return [name, known];
    }),
  );

/** Packages that are needed only by tests that are left out. */
const unneeded: Readonly<Record<string, readonly string[]>> = {
  "@lockstep/web": ["@app/server", "@axe-core/playwright", "@lockstep/server", "openid-client", "playwright-core"],
};

const manifest = (text: string): string => {
  const { optionalDependencies, ...fields } = JSON.parse(text);
  for (const kind of ["dependencies", "devDependencies", "overrides"])
    if (fields[kind]) fields[kind] = published(fields[kind]);
  for (const name of unneeded[fields.name] ?? []) delete fields.devDependencies[name];
  // Packages of this repository have the product's scope. Packages of an app have their own.
  if (fields.name === "@lockstep/web") fields.name = "@app/web";
  // The team chooses the app's linter.
  if (fields.scripts) delete fields.scripts.lint;
  if (optionalDependencies) fields.optionalDependencies = nodes;
  return `${JSON.stringify(fields, null, 2)}\n`;
};

const filesOf = (folder: string): string[] =>
  execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", folder], {
    cwd: repository,
    encoding: "utf8",
  })
    .split("\0")
    .filter((file) => file !== "" && !leftOut.some((pattern) => pattern.test(file)));

const makeTemplate = (variant: Variant, to: string): void => {
  const write = (file: string, text: string) => {
    const target = join(to, dirname(file), packedName(basename(file)));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, basename(file) === "package.json" ? manifest(text) : text);
  };
  for (const file of [...folders.flatMap(filesOf), ...shared]) {
    if (variant === "empty" && examples.files.test(file)) continue;
    const text = edit(file, read(file), appEdits);
    write(file, variant === "empty" ? withoutExamples(file, text) : text);
  }
  for (const file of readdirSync(join(here, "root")))
    write(file === "gitignore" ? ".gitignore" : file, readFileSync(join(here, "root", file), "utf8"));
};

const templates = process.argv[2] ?? join(here, "template");
rmSync(templates, { recursive: true, force: true });
for (const variant of variants) makeTemplate(variant, join(templates, variant));
// `create-lockstep upgrade` prints the newest part of it.
cpSync(join(repository, "CHANGELOG.md"), join(templates, "CHANGELOG.md"));
