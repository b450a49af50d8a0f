// Owns apps that tests create and use without an installation: with the packages as they would be published, whose declarations
// the compiler checks in a fraction of the time that the sources take.

import { cp, mkdir, readdir, readFile, realpath, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { makePackage, openFolder } from "./commands.ts";

const repository = join(import.meta.dirname, "../../..");

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** The built packages that an app depends on. */
const engine = ["kit", "client", "server", "pages"];

/** Makes a package as it is published, with links to its dependencies. `npm test` builds it first. */
const publish = async (packages: string, name: string) => {
  const source = join(repository, "packages", name);
  const to = join(packages, "@lockstep", name);
  await mkdir(to, { recursive: true });
  const { publishConfig, ...manifest } = JSON.parse(await readFile(join(source, "package.json"), "utf8"));
  await writeFile(join(to, "package.json"), JSON.stringify({ ...manifest, ...publishConfig }));
  for (const file of manifest.files.filter((pattern: string) => !pattern.startsWith("!")))
    await cp(join(source, file), join(to, file), { recursive: true });
  for (const dependency of Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }))
    if (!dependency.startsWith("@lockstep/"))
      await link(join(to, "node_modules", dependency), await realpath(join(source, "node_modules", dependency)));
};

const link = async (from: string, to: string) => {
  await mkdir(dirname(from), { recursive: true });
  await symlink(to, from);
};

/** Links the dependencies of a folder of the app: the app's own folders, and the published packages. */
const linkPackages = async (app: string, folder: string) => {
  const { dependencies, devDependencies }: Manifest = JSON.parse(
    await readFile(join(app, folder, "package.json"), "utf8"),
  );
  for (const name of Object.keys({ ...dependencies, ...devDependencies }))
    if (!name.startsWith("@lockstep/"))
      await link(join(app, folder, "node_modules", name), await packageOf(app, folder, name));
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
  for (const name of engine) await publish(join(folder, "node_modules"), name);
  return { folder, [Symbol.asyncDispose]: () => place[Symbol.asyncDispose]() };
};
