// Owns the template of an app: the files of one variant, and what of them differs from app to app. The template is made by
// `scripts/make-template.ts` from the app of this repository.

import { cp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type PackageManager, typedAdmin } from "./package-manager.ts";

export const variants = ["example", "empty"] as const;
/** `example`: with notes, a feature to learn from. `empty`: accounts and sign-in alone. */
export type Variant = (typeof variants)[number];

/** What stands in the template's files in the place of an app's own words. */
export const placeholders = {
  name: "__APP_NAME__",
  packageName: "__PACKAGE_NAME__",
  manager: "__PACKAGE_MANAGER__",
  admin: "__LOCKSTEP__",
} as const;

/** The files that have placeholders. */
const worded = ["package.json", "README.md", "packages/contract/src/brand.ts"];

/** What only pnpm reads. */
const forPnpm = ["pnpm-workspace.yaml", ".pnpmfile.mjs"];

/** npm leaves a `.gitignore` out of packages, so it has another name there. */
const ignoreFile = { packed: "gitignore", written: ".gitignore" } as const;
export const packedName = (file: string): string => (file === ignoreFile.written ? ignoreFile.packed : file);

export interface Words {
  readonly name: string;
  readonly packageName: string;
  readonly packageManager: PackageManager;
  /** Whether the app brings the Node that it runs on, for machines with an older one. */
  readonly pinNode: boolean;
}

/** The app's manifest, as far as it is read here. */
export interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

export const readManifest = async (folder: string): Promise<Manifest> =>
  JSON.parse(await readFile(join(folder, "package.json"), "utf8"));

/** Copies a variant into an empty folder, in the app's own words. */
export const writeTemplate = async (template: string, folder: string, words: Words): Promise<void> => {
  await cp(template, folder, { recursive: true });
  await rename(join(folder, ignoreFile.packed), join(folder, ignoreFile.written));
  for (const file of worded) {
    const text = await readFile(join(folder, file), "utf8");
    await writeFile(join(folder, file), inWords(file, text, words));
  }
  if (words.packageManager !== "pnpm") for (const file of forPnpm) await rm(join(folder, file));
  if (!words.pinNode) await withoutNode(join(folder, "package.json"));
};

const inWords = (file: string, text: string, { name, packageName, packageManager }: Words): string => {
  // In JSON and TypeScript the name is within quotes.
  const written = file.endsWith(".md") ? name : JSON.stringify(name).slice(1, -1);
  return text
    .replaceAll(placeholders.name, () => written)
    .replaceAll(placeholders.packageName, packageName)
    .replaceAll(placeholders.manager, packageManager)
    .replaceAll(placeholders.admin, typedAdmin[packageManager]);
};

const withoutNode = async (file: string): Promise<void> => {
  const { optionalDependencies: _, ...manifest } = JSON.parse(await readFile(file, "utf8"));
  await writeFile(file, `${JSON.stringify(manifest, null, 2)}\n`);
};
