// The published packages: built, packed, checked, and used by a project that has only them and their published
// dependencies, in a folder outside of this repository.

import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { engineContract } from "@lockstep/kit";
import { john, startTestServer } from "@lockstep/server/testing";
import { build as esbuild } from "esbuild";
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
  {
    name: "@lockstep/client",
    directory: client,
    entries: ["index", "challenge", "node", "oauth", "react", "server", "svelte", "vue"],
  },
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
  const signedIn = await ours.auth.login.mutate({ username, password });
  const accessToken = signedIn.status === "signed_in" ? signedIn.accessToken : "";
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

/** A library that exports what each entry makes, without naming a type. The declarations must name them all. */
const library = {
  index: `
import { createClient, errorOf, errorReader, memoryTokens, sessionOf } from "@lockstep/client";
export const client = createClient({ url: "https://api.example.com" });
export const session = sessionOf(client);
export const tokens = memoryTokens();
export const device = tokens.device;
export const read = errorOf;
export const reader = errorReader;
export const area = client.user;
export const signIn = (username: string, password: string) => client.auth.login.mutate({ username, password });
export const watch = () => client.session.events.subscribe(undefined, {});
export const failure = (thrown: unknown) => errorOf("auth.login", thrown);
`,
  challenge: `
import { solveChallenge } from "@lockstep/client/challenge";
export const solve = solveChallenge;
`,
  node: `
import { fileTokens } from "@lockstep/client/node";
export const tokens = fileTokens("tokens.json");
export const stored = () => tokens.get();
export const device = tokens.device;
`,
  oauth: `
import { createAuthorization } from "@lockstep/client/oauth";
const issuer = "https://api.example.com";
export const authorization = createAuthorization({ issuer, clientId: "app", scopes: ["openid", "profile:read"] });
export const { authorize, authorizeDevice, redeem, refresh, tokens } = authorization;
export const start = async () => ({ ...(await authorize({ redirectUri: "app:/" })), ...(await authorizeDevice()) });
`,
  react: `
import { SessionProvider, useSession } from "@lockstep/client/react";
export const Provider = SessionProvider;
export const useState = () => useSession();
export const useUser = () => {
  const session = useSession();
  return session.status === "signedIn" ? session.user : null;
};
`,
  svelte: `
import { sessionStore } from "@lockstep/client/svelte";
export const storeOf = (client: object) => sessionStore(client);
`,
  vue: `
import { useSession } from "@lockstep/client/vue";
export const useState = (client: object) => useSession(client);
`,
  server: `
import { createServerClient, restoreSession } from "@lockstep/client/server";
export const clientOf = (headers: Headers) => createServerClient({ url: "https://api.example.com", headers });
export const areaOf = (headers: Headers) => clientOf(headers).user;
export const userOf = (headers: Headers) => clientOf(headers).user.me.query();
export const restored = (headers: Headers) => restoreSession({ url: "https://api.example.com", headers });
`,
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
    join(client, "node_modules/altcha-lib"),
    join(client, "node_modules/oauth4webapi"),
    join(client, "node_modules/react"),
    join(client, "node_modules/@types/node"),
    ...(await withDependencies(join(client, "node_modules/proper-lockfile"))),
  ]) {
    const name = dependency.split(/node_modules[\\/]/).at(-1) ?? "";
    await cp(dependency, join(project, "node_modules", name), { recursive: true, dereference: true });
  }
  // Links, so that they find their many dependencies.
  for (const name of ["@types/react", "vue"])
    await symlink(await realpath(join(client, "node_modules", name)), join(project, "node_modules", name));
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
    const modules = (await readdir(join(source, "src"), { recursive: true }))
      .filter((file) => file.endsWith(".ts") && !file.includes(".test"))
      .map((file) => file.replace(/\.ts$/, "").replaceAll("\\", "/"));

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

  describe("as a library with declarations", () => {
    /** Links to packages as pnpm makes them: the library reaches those that it names, and no dependency of theirs. */
    const link = async (folder: string, ...names: readonly string[]) => {
      for (const name of names) {
        const target = join(folder, "node_modules", name);
        await mkdir(dirname(target), { recursive: true });
        await symlink(join(project, "node_modules", name), target);
      }
    };

    it.each(Object.entries(library))("compiles what `%s` makes", async (entry, source) => {
      const folder = await mkdtemp(join(directory, "library-"));
      await link(folder, "@lockstep/client", "@trpc/client", "@trpc/server", "@types/react", "vue");
      await writeFile(join(folder, "package.json"), JSON.stringify({ name: "library", type: "module" }));
      await writeFile(join(folder, `${entry}.ts`), source);
      const options = {
        ...compilerOptions,
        ...resolutions.nodenext,
        skipLibCheck: true,
        declaration: true,
        outDir: "out",
      };
      await writeFile(
        join(folder, "tsconfig.json"),
        JSON.stringify({ compilerOptions: options, files: [`${entry}.ts`] }),
      );
      await expect(tsc(["-p", ".", "--pretty", "false"], folder)).resolves.toBe("");
      const declarations = await readFile(join(folder, `out/${entry}.d.ts`), "utf8");
      expect(declarations).not.toMatch(/zod|kit/i);
    });
  });

  it("does not compile without zod, and says so", async () => {
    const folder = await mkdtemp(join(directory, "without-zod-"));
    const packages = ["@lockstep/client", "@lockstep/kit", "@trpc/client", "@trpc/server", "@types/node"];
    for (const name of packages)
      await cp(join(project, "node_modules", name), join(folder, "node_modules", name), { recursive: true });
    const source = `
import { createClient } from "@lockstep/client";
import { createServerClient } from "@lockstep/client/server";
import type { EngineContract, RouterOf } from "@lockstep/kit";
import { createTRPCClient } from "@trpc/client";
createClient({ url: "https://api.example.com" });
createServerClient({ url: "https://api.example.com", headers: {} });
createTRPCClient<RouterOf<EngineContract>>({ links: [] });
`;
    await writeFile(join(folder, "consumer.ts"), source);
    const options = { ...compilerOptions, ...resolutions.nodenext, skipLibCheck: true, noEmit: true };
    await writeFile(
      join(folder, "tsconfig.json"),
      JSON.stringify({ compilerOptions: options, files: ["consumer.ts"] }),
    );
    const stdout = await tsc(["-p", ".", "--pretty", "false"], folder).catch(
      (error: { stdout: string }) => error.stdout,
    );
    const errors = stdout.split(/^(?=consumer\.ts)/m);
    const calls = ["createClient({", "createServerClient({", "createTRPCClient<"];
    expect(errors).toEqual(calls.map(() => expect.stringContaining("Install zod 4.")));
    for (const [place, call] of calls.entries())
      expect(errors[place]).toMatch(new RegExp(`^consumer\\.ts\\(${lineOf(source, call)},`));
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
       import * as challenge from "@lockstep/client/challenge";
       import * as kit from "@lockstep/kit";
       import * as node from "@lockstep/client/node";
       import * as oauth from "@lockstep/client/oauth";
       import * as react from "@lockstep/client/react";
       import * as server from "@lockstep/client/server";
       import * as svelte from "@lockstep/client/svelte";
       import * as vue from "@lockstep/client/vue";
       const named = [client, challenge, kit.engineContract, node, oauth, react, server, svelte, vue].map((each) => Object.keys(each));
       process.stdout.write(JSON.stringify(named));`,
    );
    const stdout = await node(script, [], project);
    expect(JSON.parse(stdout)).toEqual([
      ["createClient", "errorOf", "errorReader", "memoryTokens", "sessionOf"],
      ["solveChallenge"],
      Object.keys(engineContract),
      ["fileTokens"],
      ["AuthorizationError", "createAuthorization"],
      ["SessionProvider", "useSession"],
      ["SetCookieError", "createServerClient", "restoreSession"],
      ["sessionStore"],
      ["useSession"],
    ]);
  });
});

/** A script that uses what `names` are of the main entry, and of `/oauth`. */
const page = (names: string, oauthNames = "") => `
export { ${names} } from "@lockstep/client";
${oauthNames && `export { ${oauthNames} } from "@lockstep/client/oauth";`}
`;

/** The bundlers that frontends use. Each makes the code that a page loads first, minified. */
const bundlers: Readonly<Record<string, (entry: string, external: readonly string[]) => Promise<string>>> = {
  vite: async (entry, external) => {
    const built = await build({
      configFile: false,
      logLevel: "silent",
      root: project,
      build: {
        write: false,
        rolldownOptions: { input: entry, preserveEntrySignatures: "strict", external: [...external] },
      },
    });
    const [result] = Array.isArray(built) ? built : [built];
    const chunks = result && "output" in result ? result.output.filter((file) => file.type === "chunk") : [];
    return initialCode(chunks.map(({ fileName, code }) => ({ path: fileName, text: code })));
  },
  esbuild: async (entry, external) => {
    const { outputFiles } = await esbuild({
      entryPoints: [entry],
      absWorkingDir: project,
      outdir: "out",
      write: false,
      bundle: true,
      minify: true,
      // As Angular does: licences go to a file of their own.
      legalComments: "none",
      splitting: true,
      format: "esm",
      target: "es2022",
      external: [...external],
    });
    return initialCode(outputFiles);
  },
};

/**
 * The code of the first file and of the files that it imports statically, those first: gzip looks back 32 kB, and together they
 * are a little longer.
 */
const initialCode = (files: readonly { readonly path: string; readonly text: string }[]): string => {
  const textOf = (name: string) => files.find(({ path }) => basename(path) === name)?.text ?? "";
  const loaded = new Set(files.slice(0, 1).map(({ path }) => basename(path)));
  for (const name of loaded) {
    for (const [, chunk = ""] of textOf(name).matchAll(/(?:from|import)"\.\/([^"]+)"/g)) loaded.add(chunk);
  }
  return [...loaded].toReversed().map(textOf).join("\n");
};

describe.each(Object.entries(bundlers))("in a page that %s bundles", (_, bundle) => {
  const sizeOf = async (source: string, external: readonly string[] = []): Promise<number> => {
    const folder = await mkdtemp(join(project, "page-"));
    const entry = join(folder, "entry.js");
    await writeFile(entry, source);
    const code = await bundle(entry, external);
    expect(code).toContain("auth.refresh");
    // Names of zod's that minifiers keep.
    expect(code).not.toMatch(/ZodError|_zod|invalid_type/);
    return gzipSync(code, { level: 9 }).length;
  };
  const main = page("createClient, sessionOf, errorOf, errorReader, memoryTokens");
  const withOAuth = page("createClient, sessionOf, errorOf, errorReader, memoryTokens", "createAuthorization");

  it("the main entry is at most 5.8 kB without tRPC's client, and has nothing of the contract in it", async () => {
    expect(await sizeOf(main, ["@trpc/client", "@trpc/server/observable"])).toBeLessThanOrEqual(5_800);
  });

  it("the main entry is at most 12.4 kB with tRPC's client, until a page subscribes to something", async () => {
    expect(await sizeOf(main)).toBeLessThanOrEqual(12_400);
  });

  it("the entry for third-party clients adds at most 10.5 kB, most of which is oauth4webapi", async () => {
    expect((await sizeOf(withOAuth)) - (await sizeOf(main))).toBeLessThanOrEqual(10_500);
  });
});
