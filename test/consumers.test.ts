// Projects of the client's users, in folders outside of this repository: installed from tarballs with npm and pnpm as its
// README says, compiled by every supported TypeScript, and run with the oldest and newest versions of its peers.

import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { john, startTestServer } from "../packages/server/src/testing.ts";
import { packPackages } from "./packed.ts";
import { startProgram } from "./processes.ts";
import { repository } from "./working-copy.ts";

/** The oldest and newest minor versions of each major version that is supported. */
const compilers = { "5.7": "5.7.3", "5.9": "5.9.3", "6.0": "6.0.3", "7.0": "7.0.2" };
const resolutions = {
  nodenext: { module: "nodenext", moduleResolution: "nodenext" },
  bundler: { module: "esnext", moduleResolution: "bundler" },
};
const strictness = {
  strict: { strict: true, skipLibCheck: true },
  strictest: { strict: true, exactOptionalPropertyTypes: true, isolatedModules: true, skipLibCheck: false },
};
/** Each resolution with each strictness. */
const combinations = Object.fromEntries(
  Object.entries(resolutions).flatMap(([resolution, options]) =>
    Object.entries(strictness).map(([strict, others]) => [`${resolution}-${strict}`, { ...options, ...others }]),
  ),
);

const consumer = `
import { createClient, type EngineContract, errorOf, type ScopesOf, sessionOf } from "@lockstep/client";
import { fileTokens } from "@lockstep/client/node";
import { AuthorizationError, createAuthorization } from "@lockstep/client/oauth";
import { createServerClient } from "@lockstep/client/server";

const url = process.env["API_URL"] ?? "";

export const authorization = createAuthorization({ issuer: url, clientId: "app", scopes: ["openid", "profile:read"] });
export const theirs = createClient<EngineContract, ScopesOf<typeof authorization>>({ url, authorization });
// @ts-expect-error not granted
export const update = () => theirs.user.update.mutate({ fullName: "Johnny" });
export const denied = (thrown: unknown) => thrown instanceof AuthorizationError && thrown.code === "access_denied";

export const kept = createClient({ url, tokens: fileTokens("tokens.json") });
export const onServer = (headers: Headers) => createServerClient({ url, headers }).user.me.query();

const client = createClient({ url });
const reasonOf = (thrown: unknown): string => {
  const error = errorOf("auth.login", thrown);
  if (error?.code === "TOO_MANY_ATTEMPTS") return String(error.details.retryAfterSeconds.toFixed());
  // @ts-expect-error sign-in has no such error
  if (error?.code === "EMAIL_TAKEN") return "";
  return error?.code ?? "";
};
const refused = await client.auth.login.mutate({ username: "${john.username}", password: "wrong" }).then(() => "", reasonOf);
await client.auth.login.mutate({ username: "${john.username}", password: "${john.password}" });
const me = await client.user.me.query();
const name: string = me.fullName;
// @ts-expect-error not a number
export const wrong: number = me.fullName;
const event = await new Promise<string>((resolve, reject) => {
  const watching = client.session.events.subscribe(undefined, {
    onData: ({ type }) => {
      watching.unsubscribe();
      resolve(type);
    },
    onError: reject,
  });
});
const state = sessionOf(client).get();
console.log(JSON.stringify({ refused, name, event, user: state.status === "signedIn" ? state.user?.username : null }));
`;

const works = { refused: "INVALID_CREDENTIALS", name: john.fullName, event: "watching", user: john.username };

/** This repository's Node, and the machine's npm. */
const path = [dirname(process.execPath), ...(process.env["PATH"] ?? "").split(":")]
  .filter((folder) => !folder.endsWith("node_modules/.bin"))
  .join(":");

/** Runs a command to its end, and returns its output. @throws Error with its output if it fails */
const type = async (command: string, cwd: string, env: Record<string, string> = {}): Promise<string> => {
  await using program = startProgram(command, { cwd, env: { PATH: path, ...env } });
  const code = await program.exited;
  if (code !== 0) throw new Error(`${command} ended with ${code}:\n${program.output()}`);
  return program.output();
};

let folder: string;
let tarballs: { readonly kit: string; readonly client: string };
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "lockstep-consumers-")));
  const packed = join(folder, "packed");
  await mkdir(packed);
  await packPackages(packed, ["kit", "client"]);
  const files = await readdir(packed);
  const named = (name: string) => `./vendor/${files.find((file) => file.startsWith(`lockstep-${name}-`))}`;
  tarballs = { kit: named("kit"), client: named("client") };
});
afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));

/** A project with the tarballs in `vendor/`, as in the README. */
const createProject = async (): Promise<string> => {
  const project = await mkdtemp(join(folder, "project-"));
  await cp(join(folder, "packed"), join(project, "vendor"), { recursive: true });
  await writeFile(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
  await writeFile(join(project, "consumer.ts"), consumer);
  return project;
};

/** Installs the packages with npm, with other packages beside them. */
const install = (project: string, ...others: readonly string[]) => {
  const flags = "--no-audit --no-fund --prefer-offline";
  return type(`npm install ${flags} ${tarballs.kit} ${tarballs.client} ${others.join(" ")}`, project);
};

const settingsOf = (options: object): string => {
  const common = { target: "es2022", lib: ["es2022", "esnext.disposable", "dom"], types: ["node"], outDir: "out" };
  return JSON.stringify({ compilerOptions: { ...common, ...options }, files: ["consumer.ts"] });
};

const compile = async (project: string, options: object): Promise<string> => {
  await writeFile(join(project, "tsconfig.json"), settingsOf(options));
  return type("node node_modules/typescript/bin/tsc --pretty false", project);
};

/** Compiles with each of the settings, in one process, which halves the work. Returns the errors of each. */
const compileEach = async <Name extends string>(
  project: string,
  compiler: string,
  settings: Readonly<Record<Name, object>>,
): Promise<Readonly<Record<Name, string>>> => {
  for (const [name, options] of Object.entries<object>(settings))
    await writeFile(join(project, `${name}.json`), settingsOf({ ...options, outDir: `out/${compiler}-${name}` }));
  const files = Object.keys(settings).map((name) => `${name}.json`);
  const command = `node node_modules/${compiler}/bin/tsc --build --verbose --pretty false ${files.join(" ")}`;
  await using program = startProgram(command, { cwd: project, env: { PATH: path } });
  const code = await program.exited;
  // The output names each file before its errors, and says why it is compiled.
  const [, ...parts] = program.output().split(/^.* - Building project '(?:.*\/)?(.+)\.json'\.\.\.$/m);
  const errors = parts.map((part) => part.replaceAll(/^.* - Project '.*$/gm, "").trim());
  const compiled = Object.fromEntries(files.map((_, n) => [errors[2 * n], errors[2 * n + 1]]));
  expect(Object.keys(compiled).sort(), program.output()).toEqual(Object.keys(settings).sort());
  expect(code === 0).toBe(Object.values(compiled).every((text) => text === ""));
  return compiled as Record<Name, string>;
};

const strict = { ...resolutions.nodenext, ...strictness.strict };

test("the README names the commands that are run here", async () => {
  const readme = await readFile(join(repository, "packages/client/README.md"), "utf8");
  expect(readme).toContain(`npm install ${tarballs.kit} ${tarballs.client}`);
});

describe("with npm", () => {
  let project: string;
  beforeAll(async () => {
    project = await createProject();
    const aliases = Object.entries(compilers).map(([name, version]) => `typescript-${name}@npm:typescript@${version}`);
    await install(project, "@trpc/client @trpc/server zod @types/node@24", ...aliases);
  });

  describe.each(Object.keys(compilers))("TypeScript %s", (version) => {
    let errors: Awaited<ReturnType<typeof compileEach>>;
    beforeAll(async () => {
      errors = await compileEach(project, `typescript-${version}`, combinations);
    });

    describe.each(Object.keys(resolutions))("with the resolution %s", (resolution) => {
      test.each(Object.keys(strictness))("compiles (%s)", (strict) => {
        expect(errors[`${resolution}-${strict}`]).toBe("");
      });
    });
  });
});

/** Sets of peers that npm installs without a conflict. Integrations pin tRPC to their own version. */
const peers = {
  "the oldest peers": "zod@4.1.0 @trpc/client@11.4.4 @trpc/server@11.4.4",
  "@trpc/react-query":
    "@trpc/react-query@11.19.0 @trpc/client@11.19.0 @trpc/server@11.19.0 @tanstack/react-query@5 react@19",
  "@trpc/tanstack-react-query":
    "@trpc/tanstack-react-query@11.22.1 @trpc/client@11.22.1 @trpc/server@11.22.1 @tanstack/react-query@5 react@19",
  "the newest peers": "zod@4 @trpc/client@11 @trpc/server@11",
};

test.each(Object.entries(peers))("compiles and runs with %s", async (_, packages) => {
  const project = await createProject();
  await install(project, packages, "@types/node@24 typescript@7.0.2");
  expect(await compile(project, strict)).toBe("");
  await using server = await startTestServer();
  const output = await type("node out/consumer.js", project, { API_URL: server.url });
  expect(JSON.parse(output)).toEqual(works);
});

test("with zod 3, npm reports a conflict, and the compiler says what to install", async () => {
  const project = await createProject();
  const others = ["zod@3 @trpc/client @trpc/server @types/node@24 typescript@7.0.2"];
  await expect(install(project, ...others)).rejects.toThrow(/ERESOLVE/);
  await install(project, "--legacy-peer-deps", ...others);
  await expect(compile(project, strict)).rejects.toThrow(/Install zod 4\./);
});

test("with pnpm, compiles and runs", async () => {
  const { packageManager } = JSON.parse(await readFile(join(repository, "package.json"), "utf8"));
  const project = await createProject();
  const overrides = { overrides: { "@lockstep/kit": `file:${tarballs.kit}` } };
  await writeFile(join(project, "pnpm-workspace.yaml"), JSON.stringify(overrides));
  const packages = "@trpc/client @trpc/server zod @types/node@24 typescript@7.0.2";
  await type(`npx -y ${packageManager} add ${tarballs.kit} ${tarballs.client} ${packages}`, project);
  expect(await compile(project, { ...strict, declaration: true })).toBe("");
  await using server = await startTestServer();
  const output = await type("node out/consumer.js", project, { API_URL: server.url });
  expect(JSON.parse(output)).toEqual(works);
});
