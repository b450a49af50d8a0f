// The published packages: built, packed, checked, and used by a project that has only them and their published
// dependencies, in a folder outside of this repository.

import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { engineContract } from "@lockstep/kit";
import { john, startTestServer } from "@lockstep/server/testing";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
// @boundaries-ignore how the tests of this repository pack packages
import { packPackages, run } from "../../../test/packed.ts";

const require = createRequire(import.meta.url);

const client = join(import.meta.dirname, "..");
const kit = join(client, "../kit");
const published = [
  { name: "@lockstep/kit", directory: kit, entries: ["index"] },
  { name: "@lockstep/client", directory: client, entries: ["index", "node", "oauth", "react", "server"] },
];

const node = (script: string, args: readonly string[], cwd: string) => run(process.execPath, [script, ...args], cwd);
const tsc = (args: readonly string[], cwd: string) => node(join(client, "node_modules/typescript/bin/tsc"), args, cwd);
const readJson = async (file: string) => JSON.parse(await readFile(file, "utf8"));

const consumer = `
import { type Client, createClient, errorOf, memoryTokens, type ScopesOf, sessionOf } from "@lockstep/client";
import type { EngineContract } from "@lockstep/kit";
import { fileTokens } from "@lockstep/client/node";
import { createAuthorization } from "@lockstep/client/oauth";
import { createServerClient } from "@lockstep/client/server";

export const asked = (url: string) => {
  const authorization = createAuthorization({ issuer: url, clientId: "app", scopes: ["openid", "profile:read"] });
  const client: Client<EngineContract, "profile:read"> = createClient<EngineContract, ScopesOf<typeof authorization>>({
    url,
    authorization,
  });
  return { authorization, greet: () => client.user.me.query() };
};
export const signedIn = (client: Client): boolean => sessionOf(client).get().status === "signedIn";
export const kept = (url: string, file: string): Client => createClient({ url, tokens: fileTokens(file) });
export const rendering = (url: string, headers: Headers): Client => createServerClient({ url, headers });

export const run = async (url: string, username: string, password: string) => {
  const ours = createClient({ url });
  const { accessToken } = await ours.auth.login.mutate({ username, password });
  const name: string = (await ours.user.me.query()).fullName;

  const tokens = memoryTokens({ accessToken });
  const theirs: Client<EngineContract, "profile:read"> = createClient<EngineContract, "profile:read">({ url, tokens });
  const me = await theirs.user.me.query();

  const refused = await createClient({ url }).user.me.query().then(
    () => null,
    (thrown: unknown) => {
      const error = errorOf("user.me", thrown);
      if (error?.code === "INSUFFICIENT_SCOPE") return error.details.scopes.join(" ");
      return error?.code ?? null;
    },
  );
  return { name, username: me.username, refused };
};
`;

/** The same with one error each: a call that was not granted, a misread result, and so on. */
const wrong = {
  ungranted: consumer.replace("return { name", 'await theirs.user.update.mutate({ fullName: "x" });\n  return { name'),
  misread: consumer.replace("const name: string", "const name: number"),
  unasked: consumer.replace("client.user.me.query()", "client.user.update.mutate({})"),
  undeclared: consumer.replace('"INSUFFICIENT_SCOPE"', '"EMAIL_TAKEN"'),
};

const compilerOptions = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: false,
  target: "es2022",
  lib: ["es2022", "esnext.disposable", "dom"],
  types: [],
};
const resolutions = {
  nodenext: { module: "nodenext", moduleResolution: "nodenext" },
  bundler: { module: "esnext", moduleResolution: "bundler" },
};

/** A package and its dependencies, which pnpm stores beside it. */
const withDependencies = async (directory: string) => {
  const { dependencies } = await readJson(join(directory, "package.json"));
  const store = dirname(await realpath(directory));
  return [directory, ...Object.keys(dependencies).map((name) => join(store, name))];
};

let directory: string;
let project: string;
const tarballs = new Map<string, string>();

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "lockstep-packages-"));
  project = join(directory, "project");
  for (const [name, tarball] of Object.entries(await packPackages(directory, ["kit", "client"]))) {
    tarballs.set(`@lockstep/${name}`, tarball);
    const target = join(project, "node_modules/@lockstep", name);
    await mkdir(target, { recursive: true });
    await run("tar", ["-xzf", tarball, "--strip-components=1", "-C", target], directory);
  }
  for (const dependency of [
    join(kit, "node_modules/zod"),
    join(client, "node_modules/@trpc/client"),
    join(client, "node_modules/@trpc/server"),
    join(client, "node_modules/cookie"),
    join(client, "node_modules/eventsource-parser"),
    join(client, "node_modules/oauth4webapi"),
    join(client, "node_modules/react"),
    ...(await withDependencies(join(client, "node_modules/proper-lockfile"))),
  ]) {
    const name = dependency.split(/node_modules[\\/]/).at(-1) ?? "";
    await cp(dependency, join(project, "node_modules", name), { recursive: true, dereference: true });
  }
  await writeFile(join(project, "package.json"), JSON.stringify({ name: "project", private: true, type: "module" }));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

describe.each(published)("the tarball of $name", ({ name, directory: source, entries }) => {
  const unpacked = () => join(project, "node_modules", name);

  it("contains the build, and neither sources nor tests", async () => {
    const files = (await readdir(unpacked(), { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) =>
        join(entry.parentPath, entry.name)
          .slice(unpacked().length + 1)
          .replaceAll("\\", "/"),
      );
    const modules = (await readdir(join(source, "src")))
      .filter((file) => !file.includes(".test"))
      .map((file) => file.replace(/\.ts$/, ""));

    expect(files.filter((file) => file.startsWith("dist/")).sort()).toEqual(
      modules.flatMap((module) => [`dist/${module}.d.ts`, `dist/${module}.js`]).sort(),
    );
    const others = files.filter((file) => !file.startsWith("dist/"));
    expect(["LICENSE", "README.md", "package.json"]).toEqual(expect.arrayContaining(others));
  });

  it("names only installable dependencies, and its exports lead to the build", async () => {
    const manifest = await readJson(join(unpacked(), "package.json"));
    expect(JSON.stringify(manifest)).not.toMatch(/workspace:|catalog:|\.\/src/);
    expect(manifest.exports).toEqual(
      Object.fromEntries(
        entries.map((entry) => [
          entry === "index" ? "." : `./${entry}`,
          { types: `./dist/${entry}.d.ts`, default: `./dist/${entry}.js` },
        ]),
      ),
    );
  });

  it("passes publint", async () => {
    const tarball = await readFile(tarballs.get(name) ?? "");
    const { messages, pkg } = await publint({ pack: { tarball: new Uint8Array(tarball).buffer } });
    expect(messages.map((message) => formatMessage(message, pkg ?? {}, { color: false }))).toEqual([]);
  });

  it("passes attw", async () => {
    const attw = join(dirname(require.resolve("@arethetypeswrong/cli/package.json")), "dist/index.js");
    const checking = node(attw, ["--profile", "esm-only", "--no-color", tarballs.get(name) ?? ""], directory);
    // Exits with 1 when it finds a problem.
    await expect(checking).resolves.toBeTypeOf("string");
  });
});

describe("a project without this repository", () => {
  /** The compiler's errors for a file: lines of `file(line,column): error …`. */
  const check = async (source: string, resolution: object) => {
    const folder = await mkdtemp(join(project, "check-"));
    await writeFile(join(folder, "consumer.ts"), source);
    await writeFile(
      join(folder, "tsconfig.json"),
      JSON.stringify({ compilerOptions: { ...compilerOptions, ...resolution, outDir: "out" }, files: ["consumer.ts"] }),
    );
    const errors = await tsc(["-p", ".", "--pretty", "false"], folder).then(
      () => [],
      ({ stdout }: { stdout: string }) => stdout.split("\n").filter((line) => /^\S/.test(line)),
    );
    return { errors, built: join(folder, "out/consumer.js") };
  };
  const lineOf = (source: string, text: string) => source.split("\n").findIndex((line) => line.includes(text)) + 1;

  it.each(Object.entries(resolutions))("type-checks, including the libraries (%s)", async (_, resolution) => {
    expect((await check(consumer, resolution)).errors).toEqual([]);
  });

  it.each(Object.entries(resolutions))(
    "does not compile with a call that was not granted (%s)",
    async (_, resolution) => {
      const { errors } = await check(wrong.ungranted, resolution);
      expect(errors).toEqual([expect.stringContaining("Property 'update' does not exist")]);
      expect(errors[0]).toMatch(new RegExp(`^consumer\\.ts\\(${lineOf(wrong.ungranted, "theirs.user.update")},`));
    },
  );

  it("does not compile with a call whose scope was not requested", async () => {
    const { errors } = await check(wrong.unasked, resolutions.nodenext);
    expect(errors).toEqual([expect.stringContaining("Property 'update' does not exist")]);
    expect(errors[0]).toContain(`consumer.ts(${lineOf(wrong.unasked, "client.user.update")},`);
  });

  it("does not compile with a misread output or error", async () => {
    const misread = await check(wrong.misread, resolutions.nodenext);
    expect(misread.errors).toEqual([expect.stringMatching(/Type 'string' is not assignable to type 'number'/)]);
    const undeclared = await check(wrong.undeclared, resolutions.nodenext);
    expect(undeclared.errors[0]).toContain(`consumer.ts(${lineOf(wrong.undeclared, "EMAIL_TAKEN")},`);
  });

  it("runs against a server, on plain Node", async () => {
    await using server = await startTestServer();
    const { built } = await check(consumer, resolutions.nodenext);
    const script = join(project, "run.js");
    await writeFile(
      script,
      `import { run } from ${JSON.stringify(new URL(`file://${built}`).href)};
       process.stdout.write(JSON.stringify(await run(...process.argv.slice(2))));`,
    );
    const stdout = await node(script, [server.url, john.username, john.password], project);
    expect(JSON.parse(stdout)).toEqual({ name: john.fullName, username: john.username, refused: "UNAUTHENTICATED" });
  });

  it("imports every entry on plain Node, with all its exports", async () => {
    const script = join(project, "names.js");
    await writeFile(
      script,
      `import * as client from "@lockstep/client";
       import * as kit from "@lockstep/kit";
       import * as node from "@lockstep/client/node";
       import * as oauth from "@lockstep/client/oauth";
       import * as react from "@lockstep/client/react";
       import * as server from "@lockstep/client/server";
       const named = [client, kit.engineContract, node, oauth, react, server].map((each) => Object.keys(each));
       process.stdout.write(JSON.stringify(named));`,
    );
    const stdout = await node(script, [], project);
    expect(JSON.parse(stdout)).toEqual([
      ["createClient", "errorOf", "errorReader", "memoryTokens", "sessionOf"],
      Object.keys(engineContract),
      ["fileTokens"],
      ["AuthorizationError", "createAuthorization"],
      ["SessionProvider", "useSession"],
      ["SetCookieError", "createServerClient", "restoreSession"],
    ]);
  });
});

describe("the main entry", () => {
  /** The size of what a page loads, as an app's bundler makes it. */
  const bundle = async (external: readonly RegExp[]) => {
    const built = await build({
      configFile: false,
      logLevel: "silent",
      root: project,
      build: {
        write: false,
        rolldownOptions: {
          input: join(project, "node_modules/@lockstep/client/dist/index.js"),
          preserveEntrySignatures: "strict",
          external: [...external],
        },
      },
    });
    const [result] = Array.isArray(built) ? built : [built];
    const code = result && "output" in result ? result.output[0].code : "";
    expect(code).toContain("createClient");
    expect(code).not.toMatch(/zod/i);
    expect(code).not.toContain("code_verifier");
    return { sizeBytes: gzipSync(code, { level: 9 }).length };
  };

  it("is at most 5.5 kB without tRPC's client, and has nothing of the contract in it", async () => {
    expect((await bundle([/^@trpc\//])).sizeBytes).toBeLessThanOrEqual(5_500);
  });

  it("is at most 12 kB with tRPC's client, until a page subscribes to something", async () => {
    expect((await bundle([])).sizeBytes).toBeLessThanOrEqual(12_000);
  });
});
