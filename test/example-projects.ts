// Owns copies of the examples in folders of their own: what a user gets who copies one. Their packages come from npm, and
// ours from tarballs of the working copy. Their commands are those of their README.

import { cp, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { packPackages } from "./packed.ts";
import { type Program, startProgram } from "./processes.ts";
import { repository } from "./working-copy.ts";

export const examplesFolder = join(repository, "examples");

/** Programs in a terminal. */
export const programs: readonly string[] = ["bun", "deno", "node", "trpc-client"];

/** How the pages of an example are served and tested. */
export interface Pages {
  /** The arguments of its last command. `PORT` and `API_URL` are in its environment, too. */
  readonly args?: (port: number, apiUrl: string) => readonly string[];
  /** Whether the server renders the page for its user. Otherwise the browser alone makes the calls. */
  readonly rendered: boolean;
  /** Whether the pages call a backend at another origin. Otherwise their server forwards the calls, or makes them. */
  readonly foreign?: boolean;
  /** An expression that is true in the browser when its scripts handle the form. Without it, the form works at once. */
  readonly ready?: string;
}

const port = (port: number) => ["--", "--port", String(port)];

/** Examples with pages for a browser. */
export const pages: Readonly<Record<string, Pages>> = {
  angular: { args: port, rendered: false },
  astro: { rendered: true },
  expo: { args: port, rendered: false, foreign: true },
  next: { args: port, rendered: true },
  nuxt: { rendered: true, ready: "'__vue_app__' in document.querySelector('#__nuxt')" },
  sveltekit: { args: port, rendered: true },
  vue: { args: port, rendered: false },
  workers: { args: (own, apiUrl) => [...port(own), "--var", `API_URL:${apiUrl}`], rendered: true },
};

const readJson = async (file: string) => JSON.parse(await readFile(file, "utf8"));

/** This repository's Node before the machine's, whose npm is used. No project here asks or reports anything. */
const env = {
  PATH: [dirname(process.execPath), ...(process.env["PATH"] ?? "").split(":")]
    .filter((folder) => !folder.endsWith("node_modules/.bin"))
    .join(":"),
  ASTRO_TELEMETRY_DISABLED: "1",
  EXPO_NO_TELEMETRY: "1",
  NEXT_TELEMETRY_DISABLED: "1",
  NG_CLI_ANALYTICS: "false",
  NUXT_TELEMETRY_DISABLED: "1",
  WRANGLER_SEND_METRICS: "false",
  CI: "1",
};

type Settings = Readonly<Record<string, string>>;

/** Runs a command to its end. @throws Error with its output if it fails */
const run = async (command: string, cwd: string, settings: Settings = {}): Promise<void> => {
  await using program = startProgram(command, { cwd, env: { ...env, ...settings } });
  const code = await program.exited;
  if (code !== 0) throw new Error(`${command} ended with ${code}:\n${program.output()}`);
};

/** The commands of the shell block in the README of an example. */
export const commandsOf = async (name: string): Promise<readonly string[]> => {
  const readme = await readFile(join(examplesFolder, name, "README.md"), "utf8");
  const [, block = ""] = /^```sh\n(.*?)^```/ms.exec(readme) ?? [];
  return block.split("\n").filter((line) => line !== "");
};

/** A folder for copies of the examples; `await using` deletes it. */
export const openExamples = async () => {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "lockstep-examples-")));
  const tarballs = await packPackages(folder, ["kit", "client"]);
  return {
    /**
     * Copies an example, and runs all commands of its README but the last, which starts it.
     * @param options.settings the environment of its build
     * @param options.checkTypes whether it runs its type check, too
     */
    async install(name: string, options: { readonly settings?: Settings; readonly checkTypes: boolean }) {
      const project = join(folder, name);
      await cp(join(examplesFolder, name), project, {
        recursive: true,
        filter: (file) => !file.endsWith("node_modules"),
      });
      const manifest = await readJson(join(project, "package.json"));
      // kit as well, so that the client's own dependency on it is our tarball.
      for (const [name, tarball] of Object.entries(tarballs))
        manifest.dependencies[`@lockstep/${name}`] = `file:${tarball}`;
      await writeFile(join(project, "package.json"), JSON.stringify(manifest, null, 2));
      const [install = "", ...others] = await commandsOf(name);
      await run(`${install} --prefer-offline --no-audit --no-fund`, project);
      const start = others.pop() ?? "";
      for (const command of others) await run(command, project, options.settings);
      if (options.checkTypes && manifest.scripts.check !== undefined) await run("npm run -s check", project);
      return {
        /** Starts it as its README says; `await using` ends it. */
        start: (settings: Settings, ...args: readonly string[]): Program =>
          startProgram([`exec ${withoutSettings(start)}`, ...args].join(" "), {
            cwd: project,
            env: { ...env, ...settings },
          }),
      };
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true, maxRetries: 5 }),
  };
};

/** A command without the environment variables before it. */
const withoutSettings = (command: string) => command.replace(/^([A-Z_]+=\S+ )+/, "");
