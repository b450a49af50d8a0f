// Owns upgrading an app to this release: versions in its manifests, packages, then the app's own checks. It does not
// change the app's code.

import { existsSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import semver from "semver";
import { changesBetween } from "./changelog.ts";
import { installArguments, packageManagerOf, typedAdmin } from "./package-manager.ts";
import { exitCodes, Refusal } from "./refusal.ts";
import { type Manifest, readTemplateManifests } from "./template.ts";
import type { World } from "./world.ts";

export const upgradeUsage = `Usage: npx create-lockstep@latest upgrade [options]

Upgrades the app in this folder to the version of this command: raises the versions of Lockstep and of the libraries that
belong to it, installs them, prints the new part of the changelog, and runs the app's type check and tests. It does not
change the app's code.

  --no-check      does not run the type check and the tests
  --allow-dirty   upgrades even if there are uncommitted changes`;

/** The folder in which `lockstep eject` records ejected pages. */
const ejectedPages = "apps/web/.lockstep/ejected";

interface Release {
  readonly world: World;
  readonly version: string;
  /** The template of a new app: the versions of everything that was released together. */
  readonly template: string;
  readonly changelog: string;
}

const kinds = ["dependencies", "devDependencies", "optionalDependencies"] as const satisfies (keyof Manifest)[];
type Versions = Readonly<Record<string, string>>;

interface ManifestFile {
  readonly path: string;
  /** The text as read. */
  readonly text: string;
}

/** @throws Refusal when the folder is not an app, the app cannot be upgraded, or a step failed */
export const upgradeApp = async (argv: readonly string[], release: Release): Promise<void> => {
  const { world, version, changelog } = release;
  const options = parse(argv);
  const say = (line: string) => void world.stdout.write(`${line}\n`);
  const app = world.directory;

  const manifests = await manifestsIn(app);
  const from = installedVersion(manifests);
  if (from === null)
    throw new Refusal("This folder is not a Lockstep app. Run the command in the folder of the app's package.json.");
  if (semver.gt(from, version))
    throw new Refusal(
      `The app has version ${from}, which is newer than this command (${version}). Run npx create-lockstep@latest upgrade.`,
    );
  if (!options.allowDirty) await assertCommitted(app, world);

  const target = await versionsIn(release.template);
  const changed = manifests.flatMap(({ path, text }) => {
    const next = raised(text, target);
    return next === text ? [] : [{ path, text, next }];
  });
  if (changed.length === 0) {
    say(`The app already has version ${version}.`);
    return;
  }

  const manager = packageManagerOf(app);
  const undo = async () => {
    for (const { path, text } of changed) await writeFile(path, text).catch(() => {}); // the one that was not writable
  };
  const install = async () => {
    for (const { path, next } of changed) {
      await writeFile(path, next).catch(({ message }: Error) => {
        throw new Refusal(`The versions cannot be raised: ${message}. The previous versions are restored.`);
      });
    }
    say(`Installing ${version} with ${manager}…`);
    return world.runProgram(manager, installArguments[manager], { directory: app, signal: world.signal });
  };
  const installed = await install().catch(async (error) => {
    await undo();
    throw error;
  });
  if (!installed.succeeded) {
    await undo();
    if (world.signal.aborted)
      throw new Refusal("Interrupted. The previous versions are restored.", exitCodes.interrupted);
    throw new Refusal(
      `${installed.output.trim()}\n${manager} could not install ${version}. The previous versions are restored.`,
    );
  }

  const changes = changesBetween(changelog, from, version);
  if (changes !== "") say(`\n${changes}\n`);
  if (existsSync(join(app, ejectedPages)))
    say(
      `This app has ejected pages. To see what has changed in the originals: ${typedAdmin[manager]} eject --status\n`,
    );
  if (options.check) await runChecks(app, world, say);
  say(
    `Upgraded from ${from} to ${version}. Review the changes (git diff) and commit them. The next start migrates the database.`,
  );
};

const parse = (argv: readonly string[]) => {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: { "no-check": { type: "boolean" }, "allow-dirty": { type: "boolean" } },
    });
    return { check: !values["no-check"], allowDirty: values["allow-dirty"] === true };
  } catch {
    throw new Refusal("upgrade accepts --no-check and --allow-dirty only. See --help.", exitCodes.usage);
  }
};

/** The manifests of an app: its root's, and those of its packages. */
const manifestsIn = async (app: string): Promise<readonly ManifestFile[]> => {
  const folders = ["apps", "packages"].map(async (group) => {
    const entries = await readdir(join(app, group), { withFileTypes: true }).catch(() => []);
    return entries.filter((entry) => entry.isDirectory()).map((entry) => join(app, group, entry.name));
  });
  const paths = [app, ...(await Promise.all(folders)).flat()].map((folder) => join(folder, "package.json"));
  const files = paths.map(async (path) => {
    const text = await readFile(path, "utf8").catch(() => null);
    if (text === null) return [];
    if (!isManifest(text)) throw new Refusal(`${relative(app, path)} is not a valid package.json. Correct it first.`);
    return [{ path, text }];
  });
  return (await Promise.all(files)).flat();
};

/** Whether the text is a JSON object whose dependencies are objects, where it has any. */
const isManifest = (text: string): boolean => {
  const isObject = (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value);
  try {
    const manifest = JSON.parse(text) as Manifest;
    return isObject(manifest) && kinds.every((kind) => manifest[kind] === undefined || isObject(manifest[kind]));
  } catch {
    return false;
  }
};

const versionsOf = (manifest: Manifest): Versions => Object.assign({}, ...kinds.map((kind) => manifest[kind]));
const dependenciesOf = (text: string): Versions => versionsOf(JSON.parse(text));

const isOurs = (name: string) => name.startsWith("@lockstep/");

/** The lowest version of Lockstep that the app requires; `null`: it requires none. */
const installedVersion = (manifests: readonly ManifestFile[]): string | null => {
  const versions = manifests.flatMap(({ text }) =>
    Object.entries(dependenciesOf(text)).flatMap(([name, range]) => {
      const version = isOurs(name) && semver.validRange(range) ? semver.minVersion(range) : null;
      return version ? [version.version] : [];
    }),
  );
  return semver.sort(versions)[0] ?? null;
};

const assertCommitted = async (app: string, { runProgram, signal }: World): Promise<void> => {
  const { succeeded, output } = await runProgram("git", ["status", "--porcelain"], { directory: app, signal });
  if (succeeded && output.trim() !== "")
    throw new Refusal(
      "There are uncommitted changes. Commit them first, so that you can see what the upgrade changes.",
    );
};

/** The versions that a new app of this release has, by package. */
const versionsIn = async (template: string): Promise<Versions> =>
  Object.assign({}, ...(await readTemplateManifests(template)).map(versionsOf));

/** A manifest with the newer versions of the release. Everything else stays unchanged. */
const raised = (text: string, target: Versions): string =>
  Object.entries(dependenciesOf(text)).reduce((next, [name, range]) => {
    const version = target[name];
    if (version === undefined || !isOlder(range, version)) return next;
    const written = (value: string) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`;
    return next.replaceAll(written(range), () => written(version));
  }, text);

/** A range without a version, such as a URL or a tag, is the team's decision. */
const isOlder = (range: string, than: string): boolean => {
  if (!semver.validRange(range) || !semver.validRange(than)) return false;
  const [have, want] = [semver.minVersion(range), semver.minVersion(than)];
  return have !== null && want !== null && semver.lt(have, want);
};

const runChecks = async (app: string, { runProgram, signal }: World, say: (line: string) => void): Promise<void> => {
  say("Running the app's checks…");
  const { succeeded } = await runProgram("npm", ["run", "check"], { directory: app, signal, shown: true });
  if (!succeeded)
    throw new Refusal(
      "The app's checks fail with the new version; their output is above. Fix the app, or undo the upgrade with `git checkout .` and a new install.",
    );
};
