// The commands of package.json that need more than one tool, such as `npm start` and `npm run check`. Prints one line
// for each step, and the output of its tools only if they fail. Plain JavaScript, so that an older Node can run it
// before anything is installed.

import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const { packageManager } = JSON.parse(readFileSync(here("package.json"), "utf8"));
const bin = here("node_modules/.bin");

/** Installed tools come before the system's, the installed Node included. */
const env = {
  ...process.env,
  PATH: `${bin}:${process.env.PATH}`,
  TURBO_TELEMETRY_DISABLED: "1",
  // pnpm warns about npm's settings for this script, which it does not know.
  ...Object.fromEntries(
    Object.keys(process.env)
      .filter((name) => /^npm_(config|package|lifecycle)_/i.test(name) && !/registry|proxy|cafile|cache/i.test(name))
      .map((name) => [name, undefined]),
  ),
};

/** Runs `command` without showing its output. If it fails, shows the output and exits with its exit code. */
const step = async (title, command, ...args) => {
  process.stdout.write(`${title}…\n`);
  const child = spawn(command, args, { cwd: here("."), env, stdio: ["ignore", "pipe", "pipe"] });
  const output = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => output.push(chunk));
  const code = await exitCodeOf(child);
  if (code === 0) return;
  process.stderr.write(Buffer.concat(output));
  process.exit(code);
};

/** Replaces this process with `command`, as nearly as Node can: forwards signals, and exits with its exit code. */
const become = async (command, ...args) => {
  const child = spawn(command, args, { cwd: here("."), env, stdio: "inherit" });
  // Ctrl-C reaches the whole process group anyway. Forwarding it would be a second signal, which ends the server at
  // once.
  process.on("SIGINT", () => {});
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  process.exit(await exitCodeOf(child));
};

const exitCodeOf = (child) =>
  new Promise((resolve) => {
    child.on("error", (error) => {
      process.stderr.write(`${error.message}\n`);
      resolve(1);
    });
    child.on("close", (code) => resolve(code ?? 1));
  });

const node = () => (existsSync(`${bin}/node`) ? `${bin}/node` : process.execPath);
const pnpm = ["npx", "-y", packageManager];
// Through pnpm, which turbo looks for in the path.
const turbo = (...args) => [...pnpm, "exec", "turbo", ...args, "--no-update-notifier"];

const install = () => step("Installing packages", ...pnpm, "install", "--frozen-lockfile", "--reporter=append-only");
const build = (...filters) => step("Building", ...turbo("run", "build", ...filters, "--output-logs=errors-only"));
const lint = () => step("Linting", "biome", "check", ".");
const typecheck = async () => {
  await step("Checking types", "tsc");
  await step("Checking types of the packages", ...turbo("run", "typecheck", "--output-logs=errors-only"));
};
const boundaries = () => step("Checking package boundaries", ...turbo("boundaries"));
const unused = () => step("Looking for unused code", "knip");
const test = async (...args) => {
  await build();
  process.stdout.write("Running the tests…\n");
  await become(node(), "--import", "./prelude.mjs", here("node_modules/vitest/vitest.mjs"), "run", ...args);
};

const commands = {
  setup: install,
  start: async () => {
    await install();
    await build("--filter=@lockstep/web", "--filter=@app/server");
    await become(node(), "--max-semi-space-size=8", "--import", "./prelude.mjs", "apps/server/dist/main.js");
  },
  dev: async () => {
    await install();
    await step("Checking Node", node(), "prelude.mjs");
    await become(...turbo("watch", "dev", "typecheck", "--continue"));
  },
  test: async (...args) => {
    await install();
    await test(...args);
  },
  check: async () => {
    await install();
    await lint();
    await typecheck();
    await boundaries();
    await unused();
    await test();
  },
  bench: async (...args) => {
    await install();
    await build("--filter=@app/server");
    await become(node(), "--import", "./prelude.mjs", "bench/src/main.ts", ...args);
  },
  "demo:cluster": async (...args) => {
    await install();
    await become(node(), "--import", "./prelude.mjs", "bench/src/cluster/demo.ts", ...args);
  },
  build: () => build(),
  "release:version": () => become(node(), "packages/create-lockstep/scripts/write-changelog.ts"),
  "release:publish": async () => {
    await install();
    await build("--filter=./packages/*");
    await become(...pnpm, "exec", "changeset", "publish", "--no-git-tag");
  },
  typecheck,
  boundaries,
};

const [name, ...args] = process.argv.slice(2);
const command = Object.hasOwn(commands, name) ? commands[name] : null;
if (!command) {
  process.stderr.write(`Usage: node run.mjs ${Object.keys(commands).join(" | ")}\n`);
  process.exit(1);
}
await command(...args);
