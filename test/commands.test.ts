// The commands that README.md and CONTRIBUTING.md tell people to type: each is run here, or by the test or the step of CI
// that is named beside it. A command that is in neither list fails.

import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort, type Program, startProgram } from "./processes.ts";
import { repository } from "./working-copy.ts";

const read = (file: string) => readFileSync(join(repository, file), "utf8");

/** Lines of shell blocks, without what they say of themselves, and commands within sentences and tables. */
const commandsOf = (markdown: string): string[] => {
  const blocks = [...markdown.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, block = ""]) =>
    block
      .replaceAll(/\\\n\s*/g, "")
      .split("\n")
      .map((line) => line.replace(/\s+#.*$/, "").trim()),
  );
  const inline = [...markdown.matchAll(/`((?:npm|npx|pnpm|curl|node) [^`\n]+)`/g)].map(([, command = ""]) => command);
  return [...blocks, ...inline].filter((command) => command !== "");
};

const documented = [...new Set([...commandsOf(read("README.md")), ...commandsOf(read("CONTRIBUTING.md"))])].sort();

/** Where other commands are run: a file, and the text in it that runs them. */
const elsewhere: Readonly<Record<string, readonly [file: string, text: string]>> = {
  "npm start": ["test/start.test.ts", "exec npm start"],
  "DEMO_PROVIDER=1 npm start": ["test/start.test.ts", 'DEMO_PROVIDER: "1"'],
  "npm test": [".ci/run", "npm test"],
  "pnpm test:all": ["run.mjs", '"test:all": test'],
  "pnpm install": ["test/dev.test.ts", "install --frozen-lockfile"],
  "pnpm dev": ["test/dev.test.ts", "} dev`"],
  "pnpm check": [".ci/run", "for check in lint"],
  "pnpm typecheck": [".ci/run", "typecheck"],
  "pnpm format": [".ci/run", "format"],
  "pnpm docs:update": [".ci/run", "docs:update"],
  "pnpm bench": [".ci/run", "pnpm run bench soak"],
  "npx -y pnpm@12.21.0 bench": [".ci/run", "pnpm run bench soak"],
  "pnpm vitest run --project server src/domain": ["run.mjs", "vitest.mjs"],
  "npx -y pnpm@12.21.0 demo": ["apps/cli/test/third-party.test.ts", "startDemo"],
  "npx -y pnpm@12.21.0 demo --device": ["apps/cli/test/third-party.test.ts", "--device"],
  "npx -y pnpm@12.21.0 install --frozen-lockfile && npx -y pnpm@12.21.0 build": ["run.mjs", '"--frozen-lockfile"'],
  "NODE_ENV=production PUBLIC_URL=https://api.example.com TRUST_PROXY=10.0.0.1 SECRET=… DATABASE_URL=postgres://… node --max-semi-space-size=8 --import ./prelude.mjs apps/server/dist/main.js":
    ["apps/server/test/bundle.test.ts", "../dist/main.js"],
};

/** Commands that are run below, in this order, and what they print. */
const here: readonly (readonly [command: string, printed: RegExp])[] = [
  ["pnpm lockstep --help", /Usage: lockstep/],
  ["pnpm lockstep user create --help", /Usage: lockstep user create/],
  ["curl -s localhost:3000/token -d 'username=john&password=secret'", /"access_token":"/],
  ['curl -s localhost:3000/users/me -H "Authorization: Bearer $ACCESS_TOKEN"', /"username":"john"/],
  [
    'curl -s localhost:3000/protected-route -H "Authorization: Bearer $ACCESS_TOKEN"',
    /Hello, John Doe! This is a protected route\./,
  ],
  ["npx -y pnpm@12.21.0 demo --password", /John Doe/],
  [
    'pnpm lockstep client create "Photo app" --redirect https://photos.example/callback --scope profile:read',
    /Photo app/,
  ],
  ["pnpm lockstep keys rotate", /\S/],
  ["pnpm lockstep user sign-out john", /john/],
  ["pnpm lockstep audit --since 24h", /keys\.rotate/],
];

test("every command of README.md and CONTRIBUTING.md is run by a test or by CI", () => {
  const covered = [...Object.keys(elsewhere), ...here.map(([command]) => command)];
  expect(documented.filter((command) => !covered.includes(command))).toEqual([]);
  // Nor is a command run that nobody is told of.
  expect(covered.filter((command) => !documented.includes(command))).toEqual([]);
});

test.each(Object.entries(elsewhere))("%s is run where this list says", (_command, [file, text]) => {
  expect(read(file)).toContain(text);
});

test("pnpm check consists of steps that CI runs", () => {
  const { scripts } = JSON.parse(read("package.json"));
  const steps = [...String(scripts.check).matchAll(/pnpm run (\S+)/g)].map(([, step]) => step);
  const ci = /for check in (.*);/.exec(read(".ci/run"))?.[1]?.split(" ") ?? [];
  expect(steps.filter((step) => step !== "test:all" && !ci.includes(step ?? ""))).toEqual([]);
});

describe("typed into a shell", () => {
  let directory: string;
  let server: Program;
  let env: Record<string, string>;

  const run = async (command: string, input = "") => {
    await using program = startProgram(command, { cwd: repository, env, input });
    const code = await program.exited;
    return { code, output: program.output() };
  };

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "lockstep-commands-"));
    const port = await freePort();
    env = {
      PORT: String(port),
      PUBLIC_URL: `http://localhost:${port}`,
      DATABASE_URL: `file:${join(directory, "lockstep.db")}`,
      SECRET: "wZ4mTq8Rk1Xv6Lp3Ny7Bc2Hd9Jf5Gs0A",
      BCRYPT_COST: "10",
      XDG_STATE_HOME: directory,
    };
    server = startProgram("exec node --import ./prelude.mjs apps/server/src/main.ts", {
      cwd: repository,
      env: { ...env, PATH: `${join(repository, "node_modules/.bin")}:${process.env["PATH"]}` },
    });
    await server.printed("is ready");
    const token = await fetch(`${env["PUBLIC_URL"]}/token`, {
      method: "POST",
      body: new URLSearchParams({ username: "john", password: "secret" }),
    });
    const { access_token: accessToken } = (await token.json()) as { access_token: string };
    env = { ...env, ACCESS_TOKEN: accessToken };
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  test.each(here)("%s", async (command, printed) => {
    const { PUBLIC_URL: url = "", PORT: port } = env;
    const typed = command
      .replace(/^pnpm /, "npx -y pnpm@12.21.0 ")
      .replace("localhost:3000", `localhost:${port}`)
      .replace(/demo --password$/, `demo --password --url ${url}`);
    const { code, output } = await run(typed, "john\nsecret\n");
    expect([code, output]).toEqual([0, expect.stringMatching(printed)]);
  });
});
