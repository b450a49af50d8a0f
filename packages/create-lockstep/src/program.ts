// Owns the commands: which one runs, what it prints, and how it ends.

import { readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { answersOf, createUsage } from "./answers.ts";
import { createApp } from "./create.ts";
import { isOldNode, oldestNode, runningNode } from "./node-version.ts";
import { typedScript } from "./package-manager.ts";
import { exitCodes, Refusal } from "./refusal.ts";
import { readTemplateManifests, variants } from "./template.ts";
import { upgradeApp, upgradeUsage } from "./upgrade.ts";
import type { World } from "./world.ts";

/** The folder of this package, with the template and the changelog. */
const packageFolder = join(import.meta.dirname, "..");

/** Runs one command and returns its exit code. */
export const runCommand = async (argv: readonly string[], world: World, folder = packageFolder): Promise<number> => {
  try {
    const [first, ...rest] = argv;
    if (argv.includes("--version")) world.stdout.write(`${await versionOf(folder)}\n`);
    else if (first === "upgrade") {
      if (rest.includes("--help")) world.stdout.write(`${upgradeUsage}\n`);
      else await upgrade(rest, world, folder);
    } else if (argv.includes("--help") || argv.includes("-h"))
      world.stdout.write(`${createUsage}\n\n${upgradeUsage}\n`);
    else await create(argv, world, folder);
    return exitCodes.done;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    world.stderr.write(`${error.message}\n`);
    return error.exitCode;
  }
};

const versionOf = async (folder: string): Promise<string> =>
  JSON.parse(await readFile(join(folder, "package.json"), "utf8")).version;

const create = async (argv: readonly string[], world: World, folder: string): Promise<void> => {
  const templates = join(folder, "template");
  const [root] = await readTemplateManifests(join(templates, variants[0]));
  const options = await answersOf(argv, world, Object.keys({ ...root?.dependencies, ...root?.devDependencies }));
  const say = (line: string) => void world.stdout.write(`${line}\n`);
  const { gitFault } = await createApp(options, templates, world, say);

  const typed = (script: string) => typedScript(options.packageManager, script);
  const there = relative(world.directory, options.folder);
  say(`${options.name} is in ${there === "" ? "this folder" : there}.\n`);
  if (there !== "") say(`  cd ${there}`);
  if (!options.install) say(`  ${options.packageManager} install`);
  say(`  ${typed("start").padEnd(14)} http://localhost:3000, sign in as john / secret`);
  say(`  ${typed("test").padEnd(14)} the app's tests`);
  say(`  ${typed("dev").padEnd(14)} for daily work: changes show at once`);
  if (gitFault) say(`\n${gitFault}`);
  const node = runningNode();
  if (isOldNode(node) && !options.pinNode)
    say(`\nThe app runs on Node ${oldestNode} or newer, and this machine has ${node.version}. Install a newer one.`);
};

const upgrade = async (argv: readonly string[], world: World, folder: string): Promise<void> => {
  await upgradeApp(argv, {
    world,
    version: await versionOf(folder),
    template: join(folder, "template", "example"),
    changelog: await readFile(join(folder, "template", "CHANGELOG.md"), "utf8"),
  });
};
