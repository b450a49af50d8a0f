// Owns temporary copies of this repository, uncommitted changes included. Tests edit them, install packages and start
// programs in them, and never touch the developer's files.

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const repository = join(import.meta.dirname, "..");

/** Environment in which a copy takes what it has not changed from this repository's builds. `npm test` has just made them. */
export const withBuilds = { TURBO_CACHE_DIR: join(repository, ".turbo/cache") };

const git = (cwd: string, ...args: string[]): string => execFileSync("git", args, { cwd, encoding: "utf8" });

/** A copy without installed packages, like a fresh clone; `using` deletes it. */
export const makeWorkingCopy = () => {
  // Resolved: tools report real paths.
  const root = realpathSync(mkdtempSync(join(tmpdir(), "lockstep-copy-")));
  const files = git(repository, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0");
  for (const file of files) {
    // Git still lists files whose deletion is not committed.
    if (file !== "" && existsSync(join(repository, file))) cpSync(join(repository, file), join(root, file));
  }
  // turbo asks Git which files belong to a package.
  git(root, "init", "--quiet");
  git(root, "add", "--all");
  return {
    root,
    /** Replaces the first `before` in a file of the copy. @throws Error when there is none */
    edit(file: string, before: string, after: string) {
      const path = join(root, file);
      const text = readFileSync(path, "utf8");
      if (!text.includes(before)) throw new Error(`${file} does not contain “${before}”`);
      writeFileSync(path, text.replace(before, after));
    },
    write: (file: string, text: string) => writeFileSync(join(root, file), text),
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true, maxRetries: 5 }),
  };
};
