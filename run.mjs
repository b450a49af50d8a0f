// `npm start` and `npm test`: each step that takes time is one line, and what its tools print is shown only when it
// fails. Plain JavaScript, so that the Node of the system can run it before anything is installed.

import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const { packageManager } = JSON.parse(readFileSync(here("package.json"), "utf8"));
const bin = here("node_modules/.bin");

/** The tools of the packages go before those of the system: the Node that the project brings among them. */
const env = {
  ...process.env,
  PATH: `${bin}:${process.env.PATH}`,
  TURBO_TELEMETRY_DISABLED: "1",
  // npm's settings for this script are not meant for pnpm, which warns of those that it does not know.
  ...Object.fromEntries(
    Object.keys(process.env)
      .filter((name) => /^npm_(config|package|lifecycle)_/i.test(name) && !/registry|proxy|cafile|cache/i.test(name))
      .map((name) => [name, undefined]),
  ),
};

/** Runs `command` without a word; when it fails, shows what it printed and ends with its exit code. */
const step = async (title, command, ...args) => {
  process.stdout.write(`${title}…\n`);
  const child = spawn(command, args, { cwd: here("."), env, stdio: ["ignore", "pipe", "pipe"] });
  const printed = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => printed.push(chunk));
  const code = await exitCodeOf(child);
  if (code === 0) return;
  process.stderr.write(Buffer.concat(printed));
  process.exit(code);
};

/** Runs `command` in place of this process, as nearly as Node can: signals go to it, its exit code is ours. */
const become = async (command, ...args) => {
  const child = spawn(command, args, { cwd: here("."), env, stdio: "inherit" });
  // Ctrl-C reaches the whole process group by itself; a second signal would mean “at once”.
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

const pnpm = ["npx", "-y", packageManager];
const install = () => step("Installing packages", ...pnpm, "install", "--frozen-lockfile", "--reporter=append-only");
// Through pnpm, which turbo looks for in the path.
const build = (...filters) =>
  step(
    "Building",
    ...pnpm,
    "exec",
    "turbo",
    "run",
    "build",
    ...filters,
    "--output-logs=errors-only",
    "--no-update-notifier",
  );
const node = () => (existsSync(`${bin}/node`) ? `${bin}/node` : process.execPath);

const serve = async () => {
  await build("--filter=@lockstep/web", "--filter=@app/server");
  await become(node(), "--max-semi-space-size=8", "--import", "./prelude.mjs", "apps/server/dist/main.js");
};
const test = async (args) => {
  await build();
  process.stdout.write("Running the tests…\n");
  await become(node(), "--import", "./prelude.mjs", here("node_modules/vitest/vitest.mjs"), "run", ...args);
};

const commands = {
  start: async () => {
    await install();
    await serve();
  },
  test: async (args) => {
    await install();
    await test(args);
  },
  "test:all": test,
};

const [name, ...args] = process.argv.slice(2);
const command = commands[name];
if (!command) {
  process.stderr.write(`Say which: ${Object.keys(commands).join(", ")}.\n`);
  process.exit(1);
}
await command(args);
