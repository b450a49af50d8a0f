// Owns the template of an app: the files of one variant, and the parts of them that differ between apps.
// `scripts/make-template.ts` generates it from the app of this repository.

import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { type PackageManager, typedAdmin, typedCleanInstall } from "./package-manager.ts";

export const variants = ["example", "empty"] as const;
/** `example`: with notes as an example feature. `empty`: with accounts and sign-in only. */
export type Variant = (typeof variants)[number];

/** Placeholders in the template's files for an app's own names. */
export const placeholders = {
  name: "__APP_NAME__",
  packageName: "__PACKAGE_NAME__",
  manager: "__PACKAGE_MANAGER__",
  admin: "__LOCKSTEP__",
  install: "__INSTALL__",
} as const;

/** Files that only pnpm reads. */
const forPnpm = ["pnpm-workspace.yaml", ".pnpmfile.mjs"];

/**
 * These files have other names in the template: npm excludes `.gitignore` from packages, and tools would check a nested
 * manifest.
 */
const packedNames: Readonly<Record<string, string>> = { ".gitignore": "_gitignore", "package.json": "_package.json" };
export const packedName = (name: string): string => packedNames[name] ?? name;
const writtenName = (packed: string): string =>
  Object.keys(packedNames).find((name) => packedNames[name] === packed) ?? packed;

export interface Words {
  readonly name: string;
  readonly packageName: string;
  readonly packageManager: PackageManager;
  /** Whether the app includes Node as a package, for machines with an older one. */
  readonly pinNode: boolean;
}

/** The parts of the app's manifest that are used here. */
export interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** The manifests of a template, the root's first. */
export const readTemplateManifests = async (template: string): Promise<readonly Manifest[]> => {
  const entries = await readdir(template, { recursive: true });
  const files = entries.filter((file) => basename(file) === packedName("package.json"));
  files.sort((one, other) => one.length - other.length);
  return Promise.all(files.map(async (file) => JSON.parse(await readFile(join(template, file), "utf8"))));
};

/** Copies a variant into an empty folder, with the app's own names. */
export const writeTemplate = async (template: string, folder: string, words: Words): Promise<void> => {
  for (const entry of await readdir(template, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const name = writtenName(entry.name);
    if (words.packageManager !== "pnpm" && forPnpm.includes(name)) continue;
    const file = join(relative(template, entry.parentPath), name);
    const text = await readFile(join(entry.parentPath, entry.name), "utf8");
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), inWords(file, text, words));
  }
  if (!words.pinNode) await withoutNode(join(folder, "package.json"));
};

const inWords = (file: string, text: string, { name, packageName, packageManager }: Words): string => {
  // In JSON and TypeScript the name is within quotes.
  const written = file.endsWith(".md") ? name : JSON.stringify(name).slice(1, -1);
  return text
    .replaceAll(placeholders.name, () => written)
    .replaceAll(placeholders.packageName, packageName)
    .replaceAll(placeholders.manager, packageManager)
    .replaceAll(placeholders.admin, typedAdmin[packageManager])
    .replaceAll(placeholders.install, typedCleanInstall[packageManager]);
};

const withoutNode = async (file: string): Promise<void> => {
  const { optionalDependencies: _, ...manifest } = JSON.parse(await readFile(file, "utf8"));
  await writeFile(file, `${JSON.stringify(manifest, null, 2)}\n`);
};
