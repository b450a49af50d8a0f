// Releases from both sides: publishes all packages to a registry on this machine, creates apps from it in empty folders, then
// publishes a patch and a minor version, and upgrades an app that has users.

import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { promisify } from "node:util";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, describe, expect, inject, onTestFailed, test } from "vitest";
import { launchBrowser, skippedWithoutBrowser } from "../packages/server/test/chromium.ts";
import { freePort, startProgram } from "./processes.ts";
import { startRegistry } from "./registry.ts";
import { makeWorkingCopy, repository, withBuilds } from "./working-copy.ts";

const run = promisify(execFile);
const require = createRequire(import.meta.url);

interface Manifest {
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, unknown>>;
}
const manifestOf = (name: string): Manifest =>
  JSON.parse(readFileSync(join(repository, "packages", name, "package.json"), "utf8"));

/** The published packages, by folder. */
const packages = readdirSync(join(repository, "packages")).filter((name) => !manifestOf(name).private);

/** The environment of a user without this repository: the machine's own Node and npm. */
const path = (process.env["PATH"] ?? "")
  .split(":")
  .filter((folder) => !folder.includes("node_modules"))
  .join(":");

let copy: ReturnType<typeof makeWorkingCopy>;
let registry: Awaited<ReturnType<typeof startRegistry>>;
let folder: string;

/** Runs a command with this test's registry, and returns its output. */
const type = async (command: string, cwd: string, env: Record<string, string> = {}): Promise<string> => {
  await using program = startProgram(command, { cwd, env: { PATH: path, ...registry.env, ...env } });
  const code = await program.exited;
  if (code !== 0) throw new Error(`${command} ended with ${code}:\n${program.output()}`);
  return program.output();
};

const seconds = async (title: string, work: () => Promise<unknown>): Promise<void> => {
  const start = performance.now();
  await work();
  process.stdout.write(`${title}: ${((performance.now() - start) / 1000).toFixed(1)} s\n`);
};

const publish = (env: Record<string, string> = {}) =>
  seconds("published", () => type("npm run release:publish", copy.root, env));

beforeAll(async () => {
  copy = makeWorkingCopy();
  folder = await realpath(await mkdtemp(join(tmpdir(), "lockstep-release-")));
  // If tests run as root, PostgreSQL runs as another user and must be able to read the app's packages.
  await chmod(folder, 0o755);
  registry = await startRegistry();
  await registry.configure(copy.root);
  await publish(withBuilds);
});
afterAll(async () => {
  await registry?.[Symbol.asyncDispose]();
  copy?.[Symbol.dispose]();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** A created app as a process; `await using` ends it. The port is part of the issuer, so it stays the same. */
const start = async (app: string, port: number) => {
  const url = `http://localhost:${port}`;
  const program = startProgram("exec npm start", {
    cwd: app,
    env: { PATH: path, PORT: String(port), BCRYPT_COST: "10" },
  });
  onTestFailed(() => {
    process.stderr.write(program.output());
  });
  await program.printed(`is ready: ${url}`);
  const post = async (operation: string, input: object) => {
    const response = await fetch(`${url}/trpc/${operation}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(input),
    });
    const { result } = (await response.json()) as { result: { data: { accessToken: string; refreshToken: string } } };
    return result.data;
  };
  return {
    url,
    output: program.output,
    signIn: () => post("auth.login", { username: "john", password: "secret" }),
    refresh: (refreshToken: string) => post("auth.refresh", { refreshToken }),
    me: async (accessToken: string): Promise<unknown> =>
      (await fetch(`${url}/users/me`, { headers: { authorization: `Bearer ${accessToken}` } })).json(),
    [Symbol.asyncDispose]: program[Symbol.asyncDispose],
  };
};

const tarballs = new Map<string, string>();

/** Packs a package once, and returns the file. */
const tarballOf = async (name: string): Promise<string> => {
  const to = join(folder, "tarballs", name);
  if (!tarballs.has(name)) {
    await mkdir(to, { recursive: true });
    await type(`npx -y pnpm@12.21.0 pack --pack-destination ${to}`, join(copy.root, "packages", name));
    tarballs.set(name, join(to, (await readdir(to))[0] ?? ""));
  }
  return tarballs.get(name) ?? "";
};

describe.each(packages)("the package %s", (name) => {
  let tarball: string;
  beforeAll(async () => {
    tarball = await tarballOf(name);
  });

  test("passes publint", async () => {
    const { messages, pkg } = await publint({ pack: { tarball: new Uint8Array(await readFile(tarball)).buffer } });
    expect(messages.map((message) => formatMessage(message, pkg ?? {}, { color: false }))).toEqual([]);
  });

  // create-lockstep is a program: nobody imports it.
  if (name !== "create-lockstep")
    test("passes attw", async () => {
      const attw = join(dirname(require.resolve("@arethetypeswrong/cli/package.json")), "dist/index.js");
      const styles = Object.keys(manifestOf(name).exports ?? {}).filter((entry) => entry.endsWith(".css"));
      const excluded = styles.length > 0 ? ["--exclude-entrypoints", ...styles] : [];
      const checking = run(process.execPath, [attw, tarball, "--profile", "esm-only", "--no-color", ...excluded]);
      // Exits with an error if it finds a problem.
      await expect(checking).resolves.toHaveProperty("stdout");
    });

  test("has a readme and a licence, and names no file of this repository", async () => {
    const { stdout: files } = await run("tar", ["-tzf", tarball]);
    expect(files.split("\n")).toEqual(expect.arrayContaining(["package/README.md", "package/LICENSE"]));
    expect(files).not.toMatch(/\.test\.(js|d\.ts)/);
    const { stdout: manifest } = await run("tar", ["-xOzf", tarball, "package/package.json"]);
    expect(manifest).not.toMatch(/workspace:|catalog:|private/);
    expect(JSON.stringify(JSON.parse(manifest).exports ?? {})).not.toContain("./src");
  });
});

/** A frontend in another repository, typed by the contract of the app, as the README of the client says. */
const compileElsewhere = async (app: string): Promise<void> => {
  const frontend = await mkdtemp(join(folder, "frontend-"));
  await mkdir(join(frontend, "vendor"));
  await type(`npm pack --pack-destination ${join(frontend, "vendor")}`, join(app, "packages/contract"));
  await writeFile(join(frontend, "package.json"), JSON.stringify({ private: true, type: "module" }));
  const others = "@lockstep/client @trpc/client @trpc/server zod typescript";
  await type(`npm install ./vendor/app-contract-0.0.0.tgz ${others} --no-audit --no-fund`, frontend);
  await writeFile(
    join(frontend, "main.ts"),
    `import type { Contract } from "@app/contract";
import { createClient } from "@lockstep/client";
const client = createClient<Contract>({ url: "http://localhost" });
export const texts = async () => (await client.note.list.query({ limit: 1 })).notes.map(({ text }) => text);
// @ts-expect-error no such operation
client.note.read;
`,
  );
  const options = "--target es2022 --module nodenext --strict --skipLibCheck";
  await type(`npx tsc ${options} --rewriteRelativeImportExtensions --outDir out main.ts`, frontend);
  await type(`npx tsc ${options} --allowImportingTsExtensions --noEmit main.ts`, frontend);
};

describe("an app", () => {
  test("is created with pnpm, empty, and passes its own check", async () => {
    const pnpm = "npx -y pnpm@12.21.0";
    const cwd = join(folder, "pnpm");
    await mkdir(cwd);
    await registry.configure(cwd);
    await seconds("created with pnpm", () => type(`${pnpm} create lockstep@latest my-app --empty --no-git`, cwd));
    expect(await type(`${pnpm} check`, join(cwd, "my-app"))).toMatch(/Tests +\d+ passed \(\d+\)/);
  });

  test("is created from files, as docs/private-registry.md says", async () => {
    const cwd = join(folder, "files");
    await mkdir(cwd);
    const files = [];
    for (const name of packages) files.push(await tarballOf(name));
    for (const file of files) await copyFile(file, join(cwd, basename(file)));
    await type("npx -y ./create-lockstep-0.1.0.tgz my-app --no-install --no-git", cwd);
    const app = join(cwd, "my-app");
    await mkdir(join(app, "vendor"));
    for (const file of files) await copyFile(file, join(app, "vendor", basename(file)));
    const [, lines = ""] =
      /```json\n(.*?)```/s.exec(readFileSync(join(repository, "docs/private-registry.md"), "utf8")) ?? [];
    const added = JSON.parse(`{${lines}}`);
    const manifest = JSON.parse(await readFile(join(app, "package.json"), "utf8"));
    const overrides = { ...manifest.overrides, ...added.overrides };
    const dependencies = { ...manifest.dependencies, ...added.dependencies };
    await writeFile(join(app, "package.json"), JSON.stringify({ ...manifest, dependencies, overrides }));
    await type("npm install --package-lock-only --no-audit --no-fund", app);
    const lock = JSON.parse(await readFile(join(app, "package-lock.json"), "utf8")) as {
      packages: Record<string, { resolved?: string }>;
    };
    const engine = Object.entries(lock.packages).filter(([path]) => /node_modules\/@lockstep\/[^/]+$/.test(path));
    expect(engine.map(([, { resolved }]) => resolved)).toEqual(Object.values(added.dependencies));
  });

  test("is created with npm, works, and is upgraded with its data and its sessions", async () => {
    const cwd = join(folder, "npm");
    await mkdir(cwd);
    const git = {
      GIT_CONFIG_COUNT: "2",
      GIT_CONFIG_KEY_0: "user.name",
      GIT_CONFIG_VALUE_0: "A",
      GIT_CONFIG_KEY_1: "user.email",
      GIT_CONFIG_VALUE_1: "a@example.com",
    };
    await seconds("created with npm", () => type("npm create -y lockstep@latest my-app", cwd, git));
    const app = join(cwd, "my-app");
    expect(await type("npm run check", app)).toMatch(/Tests +\d+ passed \(\d+\)/);
    await compileElsewhere(app);

    const port = await freePort();
    let tokens: { accessToken: string; refreshToken: string };
    {
      await using server = await start(app, port);
      expect(server.output()).toContain("My app is ready");
      tokens = await server.signIn();
      expect(await server.me(tokens.accessToken)).toMatchObject({ username: "john" });
    }

    // What a container image has, apart from the rest of the app.
    await type(`npm run image -- ${join(cwd, "image")}`, app);
    const admin = `${process.execPath} --import @lockstep/server/prelude apps/server/dist/admin.js --help`;
    expect(await type(admin, join(cwd, "image"))).toContain("Usage: lockstep");

    await develop(app, port);

    // Patch version.
    copy.edit("packages/server/src/http/health.ts", "", "// Changed by the test of releases.\n");
    await release("patch", "Fix what only the test of releases knows.");
    const patched = await type("npx -y create-lockstep@latest upgrade --no-check", app);
    expect(patched).toContain("Fix what only the test of releases knows.");
    await type('git commit --all --quiet --message "Upgrade Lockstep"', app, git);

    // Minor version with an engine migration. The app has added a migration of its own.
    await addAppMigration(app);
    await type('git commit --all --quiet --message "Archive notes"', app, git);
    addEngineMigration();
    await release("minor", "Add a table that only the test of releases knows.");
    const upgraded = await type("npx -y create-lockstep@latest upgrade", app);
    expect(upgraded).toContain("Add a table that only the test of releases knows.");
    expect(upgraded).not.toContain("Fix what only the test of releases knows.");
    expect(upgraded).toMatch(/Upgraded from \d+\.\d+\.\d+ to \d+\.\d+\.0\./);

    await using server = await start(app, port);
    expect(await server.me(tokens.accessToken)).toMatchObject({ username: "john" });
    const next = await server.refresh(tokens.refreshToken);
    expect(await server.me(next.accessToken)).toMatchObject({ username: "john" });
    using database = new DatabaseSync(join(app, ".data/lockstep.db"), { readOnly: true });
    const tables = database.prepare("select name from sqlite_schema where type = 'table'").all();
    expect(tables.map(({ name }) => name)).toEqual(expect.arrayContaining(["notes", "release_test", "archive"]));
  });
});

/** Adds a changeset, raises the version and publishes it, with the commands of CONTRIBUTING.md. */
const release = async (kind: "patch" | "minor", summary: string): Promise<void> => {
  const changesets = async () => (await readdir(join(copy.root, ".changeset"))).filter((name) => name.endsWith(".md"));
  const before = await changesets();
  // Without a terminal, `--empty` writes a changeset to fill in.
  await type("npm run changeset -- --empty", copy.root);
  const [made = ""] = (await changesets()).filter((name) => !before.includes(name));
  copy.write(`.changeset/${made}`, `---\n"@lockstep/server": ${kind}\n---\n\n${summary}\n`);
  await type("npm run release:version", copy.root);
  await publish();
};

const addEngineMigration = (): void => {
  const file = "packages/server/src/db/migrate.ts";
  copy.edit(
    file,
    "};\n\nexport const migrationNames",
    `  "9999-release-test": { up: (db) => db.schema.createTable("release_test").addColumn("id", "text").execute() },
};

export const migrationNames`,
  );
  copy.edit(file, "export const schemaVersion = ", "export const schemaVersion = 1 + ");
};

/** `npm run dev` serves the page from its sources, and restarts the server when one of them changes. */
const develop = async (app: string, port: number): Promise<void> => {
  const url = `http://localhost:${port}`;
  const vitePort = await freePort();
  await using dev = startProgram("npm run dev", {
    cwd: app,
    env: { PATH: path, PORT: String(port), WEB_DEV_URL: `http://localhost:${vitePort}`, BCRYPT_COST: "10" },
  });
  await dev.printed(`is ready: ${url}`);
  await dev.printed(`http://localhost:${vitePort}/`);
  expect(await (await fetch(url, { headers: { accept: "text/html" } })).text()).toContain("/@vite/client");
  if (!skippedWithoutBrowser("the page of npm run dev in a created app")) await visit(url);
  const printed = dev.output().length;
  const file = join(app, "packages/contract/src/brand.ts");
  const text = await readFile(file, "utf8");
  await writeFile(file, text.replace("My app", "Another app"));
  await dev.printed(`Another app is ready: ${url}`, printed);
  await writeFile(file, text);
};

/** The page runs from its sources and from the packages that were published. */
const visit = async (url: string): Promise<void> => {
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(inject("patienceMs"));
    const faults: string[] = [];
    page.on("pageerror", (error) => faults.push(String(error)));
    await page.goto(url);
    await page.getByLabel("Password", { exact: true }).waitFor();
    expect(faults).toEqual([]);
  } finally {
    await browser.close();
  }
};

const addAppMigration = async (app: string): Promise<void> => {
  const file = join(app, "apps/server/src/notes.ts");
  const text = await readFile(file, "utf8");
  const added: readonly (readonly [after: string, line: string])[] = [
    ["export interface NotesTables {\n", "  archive: { note_id: string };\n"],
    [
      "defineMigrations<NotesTables>(\n  {\n",
      `    "0002-archive": {
      async up(db) {
        await db.schema.createTable("archive").addColumn("note_id", "text").execute();
      },
    },
`,
    ],
    ['{ notes: { owner: "user_id" }', ', archive: "not_personal"'],
  ];
  let edited = text;
  for (const [after, line] of added) {
    expect(edited).toContain(after);
    edited = edited.replace(after, after + line);
  }
  await writeFile(file, edited);
};
