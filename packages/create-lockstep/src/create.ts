// Owns creating an app, completely or not at all. The files are written beside the folder and moved there when they are
// complete. If a later step fails, they are deleted.

import { mkdir, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { installArguments, lookUpArguments } from "./package-manager.ts";
import { exitCodes, Refusal } from "./refusal.ts";
import { type Manifest, type Variant, type Words, writeTemplate } from "./template.ts";
import type { World } from "./world.ts";

export interface AppOptions extends Words {
  /** An absolute path that does not exist, or is an empty folder. */
  readonly folder: string;
  readonly variant: Variant;
  readonly install: boolean;
  readonly git: boolean;
}

export interface Created {
  /** Why the first commit could not be made, in one sentence. `null`: it was made, or not requested. */
  readonly gitFault: string | null;
}

/**
 * @param templates the folder with a template for each variant
 * @param report called with each step that takes time
 * @throws Refusal when the app cannot be created. Nothing of it is left then
 */
export const createApp = async (
  options: AppOptions,
  templates: string,
  world: World,
  report: (step: string) => void,
): Promise<Created> => {
  const { folder, packageManager } = options;
  await assertUsable(folder);
  const written = await writeWhole(options, join(templates, options.variant));
  try {
    if (options.install) {
      report(`Installing packages with ${packageManager}…`);
      await installPackages(options, world);
    }
    return { gitFault: options.git ? await commitFirst(folder, world) : null };
  } catch (error) {
    for (const path of written) await rm(path, { recursive: true, force: true, maxRetries: 5 });
    throw error;
  }
};

/** @throws Refusal when the folder is not empty, or cannot be created */
export const assertUsable = async (folder: string): Promise<void> => {
  const content = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    if (error.code === "ENOTDIR") throw new Refusal(`${folder} is a file. Choose another folder.`);
    throw unwritable(error);
  });
  if (content !== null && content.length > 0)
    throw new Refusal(`The folder ${basename(folder)} is not empty. Choose another one.`);
  if (content !== null) return;
  const parent = await readdir(dirname(folder)).catch(() => null);
  if (parent === null)
    throw new Refusal(`The folder ${dirname(folder)} does not exist. Create it first, or choose another one.`);
};

const unwritable = ({ message }: Error) => new Refusal(`The app cannot be written: ${message}.`);

/** Writes the files, and returns the paths to delete if a later step fails. */
const writeWhole = async (options: AppOptions, template: string): Promise<readonly string[]> => {
  const { folder } = options;
  const draft = await mkdtemp(join(dirname(folder), ".create-lockstep-")).catch((error) => {
    throw unwritable(error);
  });
  try {
    await writeTemplate(template, draft, options);
    return await moveInto(folder, draft);
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code ? unwritable(error as Error) : error;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
};

const moveInto = async (folder: string, draft: string): Promise<readonly string[]> => {
  const exists = await mkdir(folder).then(
    () => false,
    () => true,
  );
  // Move the entries one by one: the command may run in this folder, so it must not be replaced.
  const entries = await readdir(draft);
  for (const entry of entries) await rename(join(draft, entry), join(folder, entry));
  return exists
    ? [...entries, "node_modules", ".git", "package-lock.json", "pnpm-lock.yaml"].map((entry) => join(folder, entry))
    : [folder];
};

const installPackages = async ({ folder, packageManager }: AppOptions, { runProgram, signal }: World) => {
  const { dependencies = {} } = JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as Manifest;
  const [engine = ""] = Object.entries(dependencies).map(([name, range]) => `${name}@${range}`);
  for (const args of [[...lookUpArguments[packageManager], engine], installArguments[packageManager]]) {
    const { succeeded, output } = await runProgram(packageManager, args, { directory: folder, signal });
    if (signal.aborted) throw interrupted();
    if (!succeeded)
      throw new Refusal(
        `The packages could not be installed (${reasonIn(output)}), so nothing was created. Try again, or skip this step with --no-install.`,
      );
  }
};

export const interrupted = () => new Refusal("Interrupted: nothing was created.", exitCodes.interrupted);

/** The reason for a package manager's failure, as far as its output shows it. */
const reasonIn = (output: string): string => {
  const lines = output
    .split("\n")
    .map((line) => line.replace(/^\s*(npm (error|ERR!)|\[?ERROR\]?|ERR_PNPM_\w+|ELIFECYCLE)\s*/i, "").trim());
  const reason = lines.find((line) => /ENOTFOUND|ECONNREFUSED|EAI_AGAIN|ETIMEDOUT|ERESOLVE|E40\d|ENOSPC/.test(line));
  return reason ?? lines.findLast((line) => line !== "") ?? "it printed nothing";
};

/** Makes the first commit, unless the folder is already within a repository. Returns why it could not be made. */
const commitFirst = async (folder: string, { runProgram, signal }: World): Promise<string | null> => {
  const git = (...args: string[]) => runProgram("git", args, { directory: folder, signal });
  try {
    if ((await git("rev-parse", "--is-inside-work-tree")).succeeded) return null;
    for (const args of [
      ["init", "--quiet", "--initial-branch", "main"],
      ["add", "--all"],
    ]) {
      if (!(await git(...args)).succeeded) return "git failed. Create a repository yourself.";
    }
    const { succeeded } = await git("commit", "--quiet", "--message", "Create the app");
    if (signal.aborted) throw interrupted();
    return succeeded ? null : "git refused the first commit. Set user.name and user.email, then commit.";
  } catch (error) {
    if (error instanceof Refusal && error.exitCode !== exitCodes.interrupted) return error.message;
    throw error;
  }
};
