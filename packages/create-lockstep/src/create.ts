// Owns creating an app: all of it or nothing. The files are written beside the folder and moved there when they are
// complete; what fails after that takes them away again.

import { mkdir, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { installArguments, lookUpArguments } from "./package-manager.ts";
import { exitCodes, Refusal } from "./refusal.ts";
import { type Manifest, type Variant, type Words, writeTemplate } from "./template.ts";
import type { World } from "./world.ts";

export interface AppOptions extends Words {
  /** Absolute. It does not exist, or is empty. */
  readonly folder: string;
  readonly variant: Variant;
  readonly install: boolean;
  readonly git: boolean;
}

export interface Created {
  /** Why there is no first commit although one was wanted, in one sentence. */
  readonly gitFault: string | null;
}

/**
 * @param templates the folder with a template for each variant
 * @param report is told of each step that takes time
 * @throws Refusal when it cannot be done. Nothing of the app is left then.
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

/** @throws Refusal when the folder has anything in it, or cannot be made. */
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
  if (parent === null) throw new Refusal(`There is no folder ${dirname(folder)}. Make it first, or choose another.`);
};

const unwritable = ({ message }: Error) => new Refusal(`The app cannot be written: ${message}.`);

/** Writes the files, and answers what to delete to be rid of them. */
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
  // One by one: the folder may be the one that the command runs in, and replacing it would take it from there.
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
        `The packages could not be installed (${reasonIn(output)}), so nothing was created. Try again, or leave that step for later with --no-install.`,
      );
  }
};

export const interrupted = () => new Refusal("Interrupted: nothing was created.", exitCodes.interrupted);

/** What a package manager says that is wrong, as far as it can be told from its output. */
const reasonIn = (output: string): string => {
  const lines = output
    .split("\n")
    .map((line) => line.replace(/^\s*(npm (error|ERR!)|\[?ERROR\]?|ERR_PNPM_\w+|ELIFECYCLE)\s*/i, "").trim());
  const reason = lines.find((line) => /ENOTFOUND|ECONNREFUSED|EAI_AGAIN|ETIMEDOUT|ERESOLVE|E40\d|ENOSPC/.test(line));
  return reason ?? lines.findLast((line) => line !== "") ?? "it printed nothing";
};

/** Makes the first commit, unless the folder is within a repository already. Answers why it could not be made. */
const commitFirst = async (folder: string, { runProgram, signal }: World): Promise<string | null> => {
  const git = (...args: string[]) => runProgram("git", args, { directory: folder, signal });
  try {
    if ((await git("rev-parse", "--is-inside-work-tree")).succeeded) return null;
    for (const args of [
      ["init", "--quiet", "--initial-branch", "main"],
      ["add", "--all"],
    ]) {
      if (!(await git(...args)).succeeded) return "git failed: make a repository yourself.";
    }
    const { succeeded } = await git("commit", "--quiet", "--message", "Create the app");
    if (signal.aborted) throw interrupted();
    return succeeded ? null : "git refused the first commit: set user.name and user.email, then commit.";
  } catch (error) {
    if (error instanceof Refusal && error.exitCode !== exitCodes.interrupted) return error.message;
    throw error;
  }
};
