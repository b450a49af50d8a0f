// Makes the template of new apps from the app of this repository, so that nothing of it exists twice: `apps/server`,
// `apps/web` and `packages/contract` as they are, with published versions in their manifests, and the files of `root/`
// around them. Once with the example feature, once without. An argument names another folder for them.

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parse } from "yaml";
import { packedName, placeholders, type Variant, variants } from "../src/template.ts";

const here = join(import.meta.dirname, "..");
const repository = join(here, "../..");
const read = (file: string): string => readFileSync(join(repository, file), "utf8");
const { catalog } = parse(read("pnpm-workspace.yaml")) as { catalog: Readonly<Record<string, string>> };
const { optionalDependencies: nodes } = JSON.parse(read("package.json")) as { optionalDependencies: object };
const { version } = JSON.parse(readFileSync(join(here, "package.json"), "utf8")) as { version: string };

/** Folders that an app owns. */
const folders = ["packages/contract", "apps/server", "apps/web"];
/** Files around them that are the same in an app. */
const shared = ["tsconfig.base.json", ".node-version", ".pnpmfile.mjs", "docs/access.md"];
/** Tests of this repository that need more of it than the app. */
const left = [/^apps\/web\/test\//, /^apps\/server\/test\/(bundle|openapi)\.test\.ts$/];

/** The example feature: files of its own, and lines of its own in files that features share. */
const example = { file: /(^|\/)notes?[-./]/, line: /\bnotes?\b|\bNotes?(Page)?\b|noteProcedures|noteOperations/i };

const filesOf = (folder: string): string[] =>
  execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", folder], {
    cwd: repository,
    encoding: "utf8",
  })
    .split("\0")
    .filter((file) => file !== "" && !left.some((pattern) => pattern.test(file)));

type Dependencies = Readonly<Record<string, string | object>>;

/** Published versions, for those of this workspace. */
const withVersions = (dependencies: Dependencies): Dependencies =>
  Object.fromEntries(
    Object.entries(dependencies).map(([name, range]) => {
      if (typeof range === "object") return [name, withVersions(range as Dependencies)];
      if (range === "catalog:") {
        const known = catalog[name];
        if (known === undefined) throw new Error(`The catalog has no ${name}`);
        return [name, known];
      }
      if (!range.startsWith("workspace:")) return [name, range];
      return [name, name.startsWith("@app/") ? "*" : `^${version}`];
    }),
  );

const manifestFor = (text: string): string => {
  const manifest = JSON.parse(text);
  for (const kind of ["dependencies", "devDependencies", "overrides"])
    if (manifest[kind]) manifest[kind] = withVersions(manifest[kind]);
  if (manifest.optionalDependencies) manifest.optionalDependencies = nodes;
  // An app's own linter is its team's choice.
  if (manifest.scripts) delete manifest.scripts.lint;
  return `${JSON.stringify(manifest, null, 2)}\n`;
};

const withBrand = (text: string): string => {
  const name = 'name: "Lockstep"';
  if (!text.includes(name)) throw new Error(`packages/contract/src/brand.ts has no ${name}`);
  return text.replaceAll(name, `name: "${placeholders.name}"`);
};

const withoutExample = (text: string): string =>
  text
    .split("\n")
    .filter((line) => !example.line.test(line))
    .join("\n");

const contentFor = (file: string, text: string, variant: Variant): string => {
  if (file.endsWith("package.json")) return manifestFor(text);
  const branded = file === "packages/contract/src/brand.ts" ? withBrand(text) : text;
  return variant === "empty" ? withoutExample(branded) : branded;
};

const makeTemplate = (variant: Variant, to: string): void => {
  for (const file of [...folders.flatMap(filesOf), ...shared]) {
    if (variant === "empty" && example.file.test(file)) continue;
    const target = join(to, dirname(file), packedName(file.slice(file.lastIndexOf("/") + 1)));
    mkdirSync(dirname(target), { recursive: true });
    if (/\.(ts|tsx|json|css|html|md|mjs|js|svg|env)$|\/\.[a-z-]+$|^\./.test(file))
      writeFileSync(target, contentFor(file, read(file), variant));
    else cpSync(join(repository, file), target);
  }
  for (const file of readdirSync(join(here, "root"))) {
    const text = readFileSync(join(here, "root", file), "utf8");
    writeFileSync(join(to, packedName(file)), file === "package.json" ? manifestFor(text) : text);
  }
};

const templates = process.argv[2] ?? join(here, "template");
rmSync(templates, { recursive: true, force: true });
for (const variant of variants) makeTemplate(variant, join(templates, variant));
