// Owns apps that tests create and use without an installation: they use the packages of this repository.

import { mkdir, readdir, readFile, realpath, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { makePackage, openFolder } from "./commands.ts";

const repository = join(import.meta.dirname, "../../..");

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** Links the dependencies of a folder of the app: the app's own folders, and the repository's packages. */
const linkPackages = async (app: string, folder: string) => {
  const { dependencies, devDependencies }: Manifest = JSON.parse(
    await readFile(join(app, folder, "package.json"), "utf8"),
  );
  for (const name of Object.keys({ ...dependencies, ...devDependencies })) {
    const link = join(app, folder, "node_modules", name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(await packageOf(app, folder, name), link);
  }
};

const ownFolders: Readonly<Record<string, string>> = {
  "@app/contract": "packages/contract",
  "@app/server": "apps/server",
};

const packageOf = async (app: string, folder: string, name: string): Promise<string> => {
  const own = ownFolders[name];
  if (own !== undefined) return join(app, own);
  for (const place of [folder, "apps/server", "."]) {
    const found = await realpath(join(repository, place, "node_modules", name)).catch(() => null);
    if (found !== null) return found;
  }
  // Packages that only the app's own scripts run, such as `concurrently`, are not needed here.
  return join(app, "not-installed");
};

/** A new app with the example features, ready for commands. */
export const createLinkedApp = async () => {
  await using published = await makePackage();
  const place = await openFolder(published.folder);
  const { exitCode, stderr } = await place.type(["my-app", "--example", "--no-install", "--no-git"]);
  if (exitCode !== 0) throw new Error(stderr);
  const folder = join(place.folder, "my-app");
  const folders = [".", ...(await readdir(join(folder, "apps"))).map((name) => `apps/${name}`), "packages/contract"];
  for (const each of folders) await linkPackages(folder, each);
  return { folder, [Symbol.asyncDispose]: () => place[Symbol.asyncDispose]() };
};
