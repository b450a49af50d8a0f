// Owns `lockstep eject`: copies the source of a page into an app, and later shows what has changed in our page since.
// The app's `.lockstep/ejected` has the original and its version.

import { createHash } from "node:crypto";
import { lstat, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { createTwoFilesPatch } from "diff";
import { z } from "zod";

/** A page could not be ejected. The message is one sentence for the user of the command. */
export class EjectError extends Error {
  override readonly name = "EjectError";
}

/** The options of the functions below. */
export interface EjectOptions {
  /** The folder of the web app: the one with its `package.json`. */
  readonly web: string;
  /** The folder of this package. For tests. */
  readonly source?: string;
}

/** The record of each ejected page. Names are parts of paths, and an app's repository can contain any. */
const EjectedPages = z.record(
  z.string().regex(/^[a-z][a-z\d-]*$/),
  z.object({
    package: z.string(),
    version: z.string(),
    /** SHA-256 of each file, as it was copied. */
    files: z.record(z.string().regex(/^[\w-]+(\.[\w-]+)*$/), z.string()),
  }),
);
type EjectedPages = z.infer<typeof EjectedPages>;

/** How an ejected page compares with ours. */
export interface EjectedStatus {
  readonly page: string;
  /** The version that it was copied from. */
  readonly version: string;
  /** The version of this package. */
  readonly current: string;
  /** Files of ours that have changed since, were added, or were removed. */
  readonly changed: readonly string[];
}

/** The names of the pages that can be ejected. */
export const pageNames = async ({ source = ownFolder }: Pick<EjectOptions, "source"> = {}): Promise<string[]> => {
  const entries = await readdir(join(source, "src/pages"), { withFileTypes: true });
  return entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort();
};

/**
 * Copies a page into the app's `src/pages`; from then on it is the app's own. Returns the files that it wrote, and the
 * packages that the page imports and the app lacks.
 * @throws EjectError when there is no such page, or when it would overwrite a file. Nothing is written then
 */
export const ejectPage = async (page: string, options: EjectOptions) => {
  const files = await upstreamFiles(page, options);
  const folder = join(options.web, "src/pages", page);
  if (await exists(folder))
    throw new EjectError(`${join("apps/web/src/pages", page)} already exists. Move it to eject the page again.`);
  const manifest = await readManifest(options.web);
  const missing = packagesOf(files).filter(
    (name) => !(name in { ...manifest.dependencies, ...manifest.devDependencies }),
  );
  // The record first, and then the page as a whole: an interrupted run can be repeated.
  await record(page, files, options);
  await writeWhole(folder, files);
  return { files: [...files.keys()].map((name) => join(folder, name)), missing };
};

/** Compares each ejected page with ours. */
export const ejectedStatus = async (options: EjectOptions): Promise<EjectedStatus[]> => {
  const { version: current } = await readManifest(options.source ?? ownFolder);
  const ejected = Object.entries(await readRecords(options.web));
  return await Promise.all(
    ejected.map(async ([page, { version, files }]) => {
      const upstream = hashesOf(await upstreamFilesOrNone(page, options));
      const names = [...new Set([...Object.keys(files), ...Object.keys(upstream)])].sort();
      return { page, version, current, changed: names.filter((name) => files[name] !== upstream[name]) };
    }),
  );
};

/**
 * Returns what has changed in our page since it was ejected, as a patch for `git apply` or `patch` in the web app.
 * @throws EjectError when the page was not ejected
 */
export const ejectedDiff = async (page: string, options: EjectOptions): Promise<string> => {
  const ejected = await ejectedPage(page, options);
  const upstream = await upstreamFilesOrNone(page, options);
  const names = [...new Set([...Object.keys(ejected.files), ...upstream.keys()])].sort();
  const patches = await Promise.all(
    names.map(async (name) => {
      const original = Object.hasOwn(ejected.files, name) ? await readOriginal(page, name, options) : "";
      const now = upstream.get(name) ?? "";
      const path = `src/pages/${page}/${name}`;
      if (original === now) return "";
      return createTwoFilesPatch(
        original === "" ? "/dev/null" : `a/${path}`,
        now === "" ? "/dev/null" : `b/${path}`,
        original,
        now,
      ).replace(/^=+\n/, "");
    }),
  );
  return patches.join("");
};

/**
 * Records that the app has adopted the changes of our page. Later comparisons start from the current version.
 * @throws EjectError when the page was not ejected, or this package no longer has it
 */
export const acceptChanges = async (page: string, options: EjectOptions): Promise<void> => {
  await ejectedPage(page, options);
  await record(page, await upstreamFiles(page, options), options);
};

/** Adds `lockstep eject` to the admin commands of an app whose web app is in `apps/web` below `root`. */
export const addEjectCommand = (
  program: Command,
  { root, stdout }: { readonly root: string; readonly stdout: { write(text: string): unknown } },
): void => {
  const command: Command = program
    .command("eject")
    .description("Copies the source of a page into the web app, and shows what has changed in the original since")
    .argument("[page]", "the name of the page")
    .option("--status", "list the ejected pages, and which originals have changed since")
    .option("--diff", "print what has changed in the original since, as a patch")
    .option("--accept", "record that the app has adopted these changes")
    .action(async (page: string | undefined, chosen: { status?: true; diff?: true; accept?: true }) => {
      try {
        stdout.write(await answerTo(page, chosen, root));
      } catch (error) {
        if (!(error instanceof EjectError)) throw error;
        command.error(error.message, { exitCode: 1, code: "eject.refused" });
      }
    });
};

const answerTo = async (
  page: string | undefined,
  { status, diff, accept }: { status?: true; diff?: true; accept?: true },
  root: string,
): Promise<string> => {
  const options: EjectOptions = { web: resolve(root, "apps/web") };
  if ([status, diff, accept].filter(Boolean).length > 1)
    throw new EjectError("Choose one of --status, --diff and --accept.");
  if (status) return linesOf(statusLines(await ejectedStatus(options)));
  if (diff) {
    const pages = page === undefined ? Object.keys(await readRecords(options.web)) : [page];
    return (await Promise.all(pages.map((name) => ejectedDiff(name, options)))).join("");
  }
  if (page === undefined) throw new EjectError(`Name a page: ${(await pageNames(options)).join(", ")}.`);
  if (accept) {
    await acceptChanges(page, options);
    return `Recorded that the app has adopted the changes of ${page}.\n`;
  }
  const { files, missing } = await ejectPage(page, options);
  return linesOf([
    ...files.map((file) => `Wrote ${relative(root, file)}`),
    ...(missing.length > 0 ? [`Add to the dependencies of the web app: ${missing.join(", ")}`] : []),
    `To show it, import ${componentOf(page)} in apps/web/src/app.tsx and pass it to LockstepApp: pages={{ ${propertyOf(page)}: ${componentOf(page)} }}`,
  ]);
};

const statusLines = (pages: readonly EjectedStatus[]): string[] =>
  pages.length === 0
    ? ["No page was ejected."]
    : pages.map(({ page, version, current, changed }) =>
        changed.length === 0
          ? `${page}: ejected from ${version}, unchanged in ${current}`
          : `${page}: ejected from ${version}, changed in ${current}: ${changed.join(", ")}`,
      );

const linesOf = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join("");

/** The name of the page in `pages` of `LockstepApp`: `linked-accounts` is `linkedAccounts`. */
const propertyOf = (page: string) => page.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());

const componentOf = (page: string) => {
  const property = propertyOf(page);
  return `${property.charAt(0).toUpperCase()}${property.slice(1)}Page`;
};

// This file is in `src`, or built in `dist`.
const ownFolder = fileURLToPath(new URL("..", import.meta.url));

/** The source of our page, as an app gets it: what pages share is imported from the package. */
const upstreamFiles = async (page: string, { source = ownFolder }: EjectOptions): Promise<Map<string, string>> => {
  const names = await pageNames({ source });
  if (!names.includes(page)) throw new EjectError(`There is no page ${page}. Pages: ${names.join(", ")}.`);
  const folder = join(source, "src/pages", page);
  const files = new Map<string, string>();
  for (const name of (await readdir(folder)).sort()) {
    const text = await readFile(join(folder, name), "utf8");
    files.set(name, text.replaceAll('"../../parts.ts"', '"@lockstep/pages/parts"'));
  }
  return files;
};

/** The same; empty for a page that this package no longer has. */
const upstreamFilesOrNone = async (page: string, options: EjectOptions) =>
  (await pageNames(options)).includes(page) ? await upstreamFiles(page, options) : new Map<string, string>();

/** Packages that the files import. */
const packagesOf = (files: ReadonlyMap<string, string>): string[] => {
  const names = [...files.values()].flatMap((text) =>
    [...text.matchAll(/ from "((?:@[^/"]+\/)?[^./"][^/"]*)/g)].map(([, name]) => name ?? ""),
  );
  return [...new Set(names)].sort();
};

const hashesOf = (files: ReadonlyMap<string, string>): Record<string, string> =>
  Object.fromEntries([...files].map(([name, text]) => [name, createHash("sha256").update(text).digest("hex")]));

const recordsFile = (web: string) => join(web, ".lockstep/ejected/pages.json");

/** The originals have another file extension, so that compilers and linters ignore them. */
const originalsOf = (web: string, page: string) => join(web, ".lockstep/ejected", page);

const readRecords = async (web: string): Promise<EjectedPages> => {
  const file = recordsFile(web);
  if (!(await exists(file))) return {};
  try {
    return EjectedPages.parse(JSON.parse(await readFile(file, "utf8")));
  } catch {
    throw new EjectError(`${relative(web, file)} is damaged. Restore it from the app's repository.`);
  }
};

const readOriginal = async (page: string, name: string, { web }: EjectOptions): Promise<string> => {
  const file = join(originalsOf(web, page), `${name}.txt`);
  return await readFile(file, "utf8").catch(() => {
    throw new EjectError(`${relative(web, file)} cannot be read. Restore it from the app's repository.`);
  });
};

const ejectedPage = async (page: string, { web }: EjectOptions) => {
  const records = await readRecords(web);
  const ejected = Object.hasOwn(records, page) ? records[page] : undefined;
  if (!ejected) throw new EjectError(`The page ${page} was not ejected.`);
  return ejected;
};

const record = async (page: string, files: ReadonlyMap<string, string>, { web, source = ownFolder }: EjectOptions) => {
  const { name, version } = await readManifest(source);
  const originals = originalsOf(web, page);
  await rm(originals, { recursive: true, force: true });
  await writeFiles(originals, new Map([...files].map(([file, text]) => [`${file}.txt`, text])));
  const records = { ...(await readRecords(web)), [page]: { package: name, version, files: hashesOf(files) } };
  await writeFile(recordsFile(web), `${JSON.stringify(records, null, 2)}\n`);
};

const writeFiles = async (folder: string, files: ReadonlyMap<string, string>) => {
  await mkdir(folder, { recursive: true });
  for (const [name, text] of files) await writeFile(join(folder, name), text);
};

/** Writes a folder that does not exist, all of it or nothing. */
const writeWhole = async (folder: string, files: ReadonlyMap<string, string>) => {
  const draft = join(dirname(folder), `.${basename(folder)}`);
  await rm(draft, { recursive: true, force: true });
  await writeFiles(draft, files);
  await rename(draft, folder);
};

const exists = async (path: string): Promise<boolean> => (await lstat(path).catch(() => null)) !== null;

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

const readManifest = async (folder: string): Promise<Manifest> => {
  const text = await readFile(join(folder, "package.json"), "utf8").catch(() => null);
  if (text === null) throw new EjectError(`There is no package.json in ${folder}. Run this in an app with a web app.`);
  return JSON.parse(text);
};
