// Owns packed packages: the tarballs that npm would publish, for tests that install them in a folder outside of this
// repository. Built and packed in a copy, so that tests that run at the same time do not write to each other's `dist`.

import { execFile } from "node:child_process";
import { cp, mkdir, readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { repository } from "./working-copy.ts";

const execute = promisify(execFile);

/** Runs a program to its end. The error of one that fails has all that it printed. */
export const run = async (file: string, args: readonly string[], cwd: string): Promise<string> => {
  try {
    return (await execute(file, args, { cwd, maxBuffer: 2 ** 26 })).stdout;
  } catch (failure) {
    const { message, stdout = "" } = failure as Error & { stdout?: string };
    throw Object.assign(new Error(`${message}\n${stdout}`), { stdout });
  }
};

/** Runs the version of pnpm that this repository names. */
const pnpm = async (args: readonly string[], cwd: string): Promise<string> => {
  const { packageManager } = JSON.parse(await readFile(join(repository, "package.json"), "utf8"));
  return run("npx", ["-y", packageManager, ...args], cwd);
};

/**
 * Packs packages of this repository.
 * @param folder an empty folder for the tarballs
 * @param names their folders in `packages/`
 * @returns the path of the tarball of each
 */
export const packPackages = async <const Name extends string>(
  folder: string,
  names: readonly Name[],
): Promise<Record<Name, string>> => {
  const workspace = join(folder, "workspace");
  for (const file of ["LICENSE", "package.json", "pnpm-workspace.yaml", "tsconfig.base.json"])
    await cp(join(repository, file), join(workspace, file), { recursive: true });
  const packed = await Promise.all(
    names.map(async (name) => {
      const source = join(repository, "packages", name);
      const copy = join(workspace, "packages", name);
      await mkdir(copy, { recursive: true });
      for (const file of ["README.md", "package.json", "src", "tsconfig.build.json"])
        await cp(join(source, file), join(copy, file), { recursive: true });
      await symlink(join(source, "node_modules"), join(copy, "node_modules"));
      await run(
        process.execPath,
        [join(repository, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.build.json"],
        copy,
      );
      const { filename } = JSON.parse(await pnpm(["pack", "--json", "--pack-destination", folder], copy));
      return [name, filename] as const;
    }),
  );
  return Object.fromEntries(packed) as Record<Name, string>;
};
