// Upgrading an app: what is raised, what stays unchanged, and that a failure changes nothing. `test/release.test.ts` at
// the root upgrades a real app from a registry.

import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import semver from "semver";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunProgram } from "../src/run-program.ts";
import { makePackage, openFolder } from "./commands.ts";

let published: Awaited<ReturnType<typeof makePackage>>;
let version: string;
beforeAll(async () => {
  published = await makePackage();
  version = JSON.parse(await readFile(join(published.folder, "package.json"), "utf8")).version;
  await writeFile(
    join(published.folder, "template/CHANGELOG.md"),
    `# Changelog\n\n## ${version}\n\n- Newest\n\n## 0.0.9\n\n- Between\n\n## 0.0.1\n\n- Known already\n`,
  );
});
afterAll(() => published[Symbol.asyncDispose]());

/** Programs that do nothing, with configured results. */
const programs = (fails: (line: string) => boolean = () => false, output = "") => {
  const ran: string[] = [];
  const runProgram: RunProgram = async (program, args) => {
    const line = [program, ...args].join(" ");
    ran.push(line);
    return { succeeded: !fails(line), output: line.startsWith("git status") ? output : "It printed this." };
  };
  return { ran, runProgram };
};

/** An app of this version with older versions (`0.0.1`), and one library that the team raised itself. */
const openOldApp = async () => {
  const place = await openFolder(published.folder);
  await place.type(["app", "--no-install", "--no-git", "--package-manager", "npm"]);
  const file = (name: string) => join(place.folder, "app", name);
  const edit = async (name: string, change: (text: string) => string) =>
    writeFile(file(name), change(await readFile(file(name), "utf8")));
  for (const name of [
    "package.json",
    "apps/server/package.json",
    "packages/contract/package.json",
    "apps/web/package.json",
  ])
    await edit(name, (text) => text.replaceAll(/("@lockstep\/[a-z]+": )"[^"]+"/g, '$1"^0.0.1"'));
  await edit("packages/contract/package.json", (text) =>
    text.replace(/"zod": "[^"]+"/, '"zod": "4.0.0"').replace(/"vitest": "[^"]+"/, '"vitest": "99.0.0"'),
  );
  const versionsIn = async (name: string): Promise<Record<string, string>> => {
    const { dependencies, devDependencies } = JSON.parse(await readFile(file(name), "utf8"));
    return { ...dependencies, ...devDependencies };
  };
  return {
    file,
    edit,
    versionsIn,
    upgrade: (argv: readonly string[], runProgram: RunProgram) =>
      place.type(["upgrade", ...argv], { within: "app", runProgram }),
    [Symbol.asyncDispose]: place[Symbol.asyncDispose],
  };
};

describe("an upgrade", () => {
  it("raises Lockstep and its libraries, installs them, prints the changelog, and runs the checks", async () => {
    await using app = await openOldApp();
    const { ran, runProgram } = programs();
    const { exitCode, stdout, stderr } = await app.upgrade([], runProgram);
    expect([exitCode, stderr]).toEqual([0, ""]);
    expect(ran.map((line) => line.split(" ").slice(0, 2).join(" "))).toEqual(["git status", "npm install", "npm run"]);
    expect(stdout).toMatch(/Newest[\s\S]+Between/);
    expect(stdout).not.toContain("Known already");
    expect(stdout).toContain(`Upgraded from 0.0.1 to ${version}.`);
    const contract = await app.versionsIn("packages/contract/package.json");
    expect(contract["@lockstep/kit"]).toBe(`^${version}`);
    expect(semver.gt(contract["zod"] ?? "", "4.0.0")).toBe(true);
    for (const name of ["package.json", "apps/server/package.json", "apps/web/package.json"])
      expect(Object.values(await app.versionsIn(name))).not.toContain("^0.0.1");
  });

  it("keeps newer versions that the team chose", async () => {
    await using app = await openOldApp();
    await app.upgrade([], programs().runProgram);
    expect((await app.versionsIn("packages/contract/package.json"))["vitest"]).toBe("99.0.0");
  });

  it("changes only versions in a manifest", async () => {
    await using app = await openOldApp();
    const before = await readFile(app.file("apps/server/package.json"), "utf8");
    await app.upgrade([], programs().runProgram);
    const after = await readFile(app.file("apps/server/package.json"), "utf8");
    const withoutVersions = (text: string) => text.replaceAll(/": "[^"]*"/g, "");
    expect(after).not.toBe(before);
    expect(withoutVersions(after)).toBe(withoutVersions(before));
  });

  it("changes nothing in an app that has this version", async () => {
    await using app = await openOldApp();
    await app.upgrade([], programs().runProgram);
    const { ran, runProgram } = programs();
    expect(await app.upgrade([], runProgram)).toEqual({
      exitCode: 0,
      stdout: `The app already has version ${version}.\n`,
      stderr: "",
    });
    expect(ran).toEqual(["git status --porcelain"]);
  });

  it("prints how to compare ejected pages with the new originals", async () => {
    await using app = await openOldApp();
    await mkdir(app.file("apps/web/.lockstep/ejected"), { recursive: true });
    expect((await app.upgrade([], programs().runProgram)).stdout).toContain("npm run lockstep -- eject --status");
  });

  it("skips the checks with --no-check", async () => {
    await using app = await openOldApp();
    const { ran, runProgram } = programs();
    expect((await app.upgrade(["--no-check"], runProgram)).exitCode).toBe(0);
    expect(ran.filter((line) => line.startsWith("npm run"))).toEqual([]);
  });
});

describe("a refused upgrade changes nothing", () => {
  const manifests = (app: Awaited<ReturnType<typeof openOldApp>>) =>
    Promise.all(["package.json", "packages/contract/package.json"].map((name) => readFile(app.file(name), "utf8")));

  it("for a folder that is not an app", async () => {
    await using place = await openFolder(published.folder);
    expect(await place.type(["upgrade"])).toEqual({
      exitCode: 1,
      stdout: "",
      stderr: "This folder is not a Lockstep app. Run the command in the folder of the app's package.json.\n",
    });
  });

  it("for an app that is newer than the command", async () => {
    await using app = await openOldApp();
    await app.edit("package.json", (text) => text.replace('"^0.0.1"', '"^99.0.0"'));
    for (const name of ["apps/server/package.json", "packages/contract/package.json", "apps/web/package.json"])
      await app.edit(name, (text) => text.replaceAll('"^0.0.1"', '"^99.0.0"'));
    const { exitCode, stderr } = await app.upgrade([], programs().runProgram);
    expect([exitCode, stderr]).toEqual([
      1,
      expect.stringMatching(/^The app has version 99\.0\.0, which is newer .+\n$/),
    ]);
  });

  it("with uncommitted changes, unless --allow-dirty is given", async () => {
    await using app = await openOldApp();
    const before = await manifests(app);
    const { runProgram } = programs(() => false, " M package.json\n");
    expect(await app.upgrade([], runProgram)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^There are uncommitted changes\. .+\n$/),
    });
    expect(await manifests(app)).toEqual(before);
    expect((await app.upgrade(["--allow-dirty"], runProgram)).exitCode).toBe(0);
  });

  it("when the packages cannot be installed", async () => {
    await using app = await openOldApp();
    const before = await manifests(app);
    const { exitCode, stderr } = await app.upgrade([], programs((line) => line.startsWith("npm install")).runProgram);
    expect(exitCode).toBe(1);
    expect(stderr).toBe(`It printed this.\nnpm could not install ${version}. The previous versions are restored.\n`);
    expect(await manifests(app)).toEqual(before);
  });

  it.each(["<<<<<<< HEAD\n", "[]", "null", '{ "dependencies": ["@lockstep/kit"] }', '{ "devDependencies": "^1.0.0" }'])(
    "with the package.json %j",
    async (text) => {
      await using app = await openOldApp();
      await app.edit("packages/contract/package.json", () => text);
      const before = await manifests(app);
      expect(await app.upgrade([], programs().runProgram)).toEqual({
        exitCode: 1,
        stdout: "",
        stderr: "packages/contract/package.json is not a valid package.json. Correct it first.\n",
      });
      expect(await manifests(app)).toEqual(before);
    },
  );

  it("when one of the manifests becomes unwritable after others were written", async () => {
    await using app = await openOldApp();
    const before = await manifests(app);
    // Even the superuser cannot write to a folder.
    const runProgram: RunProgram = async () => {
      await rm(app.file("packages/contract/package.json"));
      await mkdir(app.file("packages/contract/package.json"));
      return { succeeded: true, output: "" };
    };
    const { exitCode, stderr } = await app.upgrade([], runProgram);
    expect([exitCode, stderr]).toEqual([
      1,
      expect.stringMatching(/^The versions cannot be raised: EISDIR.+The previous versions are restored\.\n$/),
    ]);
    expect(await readFile(app.file("package.json"), "utf8")).toBe(before[0]);
  });

  it.each([["--unknown"], ["folder"]])("with the unknown argument %s", async (argument) => {
    await using app = await openOldApp();
    expect(await app.upgrade([argument], programs().runProgram)).toMatchObject({ exitCode: 2, stdout: "" });
  });
});

it("an upgrade whose checks fail says so, and how to undo it", async () => {
  await using app = await openOldApp();
  const { exitCode, stderr } = await app.upgrade([], programs((line) => line === "npm run check").runProgram);
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining("git checkout .")]);
});
