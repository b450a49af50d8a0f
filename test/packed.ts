// Owns packed packages: the tarballs that npm would publish, for tests that install them in a folder outside of this
// repository. They are packed from their `dist`, which `npm test` builds first and no test writes.

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
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

/**
 * Packs packages of this repository as `npm test` built them.
 * @param folder for the tarballs
 * @param names their folders in `packages/`
 * @returns the path of the tarball of each
 */
export const packPackages = async <const Name extends string>(
  folder: string,
  names: readonly Name[],
): Promise<Record<Name, string>> => {
  const { packageManager } = JSON.parse(await readFile(join(repository, "package.json"), "utf8"));
  const filters = names.map((name) => `--filter=./packages/${name}`);
  const pack = ["-y", packageManager, ...filters, "pack", "--json", "--pack-destination", folder];
  const packed: { name: string; filename: string }[] = JSON.parse(await run("npx", pack, repository));
  return Object.fromEntries(packed.map(({ name, filename }) => [name.replace("@lockstep/", ""), filename])) as Record<
    Name,
    string
  >;
};
