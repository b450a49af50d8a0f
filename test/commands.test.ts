// Every documented command is run here, or by the test or the CI step that is named beside it. A command in neither
// list fails. All of them need npm only.

import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort, type Program, startProgram } from "./processes.ts";
import { repository } from "./working-copy.ts";

const read = (file: string) => readFileSync(join(repository, file), "utf8");

/** Lines of shell blocks without their comments, and commands within sentences and tables. */
const commandsOf = (markdown: string): string[] => {
  const blocks = [...markdown.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, block = ""]) =>
    block
      .replaceAll(/\\\n\s*/g, "")
      .split("\n")
      .map((line) => line.replace(/(^|\s+)#.*$/, "").trim()),
  );
  const inline = [...markdown.matchAll(/`((?:npm|npx|pnpm|curl|node) [^`\n]+)`/g)].map(([, command = ""]) => command);
  return [...blocks, ...inline].filter((command) => command !== "");
};

/** The tutorial's commands are typed in a new app: packages/create-lockstep/test/your-first-feature.test.ts runs all of them. */
const tutorial = "your-first-feature.md";

const documents = [
  "README.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  "bench/README.md",
  "packages/client/README.md",
  ...readdirSync(join(repository, "docs"))
    .filter((name) => name.endsWith(".md") && name !== tutorial)
    .map((name) => `docs/${name}`),
];

const documented = [...new Set(documents.flatMap((file) => commandsOf(read(file))))].sort();

/**
 * All benchmarks together take hours. CI runs two of them; for the others, `bench/src/main.ts` must define the parts
 * and options.
 */
const isBenchmark = (command: string) => command.startsWith("npm run bench");

/** Where other commands are run: a file, and the text in it that runs the command. */
const elsewhere: Readonly<Record<string, readonly [file: string, text: string]>> = {
  "npm start": ["test/start.test.ts", "exec npm start"],
  "DEMO_PROVIDER=1 npm start": ["test/start.test.ts", 'DEMO_PROVIDER: "1"'],
  "npm test": [".ci/run", "npm test"],
  "npm test -- --project server src/domain": ["test/start.test.ts", "npm test -- --project"],
  "npm run setup": ["test/dev.test.ts", "npm run setup"],
  "npm run dev": ["test/dev.test.ts", "npm run dev"],
  "npm run check": ["run.mjs", "check: async () => {"],
  "npm run typecheck": [".ci/run", "typecheck"],
  "npm run demo:cluster": [".ci/run", "npm run demo:cluster"],
  "npm run demo:cluster -- --seconds 20": [".ci/run", "npm run demo:cluster -- --seconds 20"],
  "npm run format": [".ci/run", "format"],
  "npm run docs:update": [".ci/run", "docs:update"],
  "npm run setup && npm run build": [".ci/run", "for check in build"],
  "npm run changeset": ["test/release.test.ts", "npm run changeset"],
  "npm run release:version": ["test/release.test.ts", "npm run release:version"],
  "npm run release:publish": ["test/release.test.ts", "npm run release:publish"],
  "npm install @lockstep/client @trpc/client @trpc/server zod": [
    "test/consumers.test.ts",
    "@trpc/client @trpc/server zod",
  ],
  "npm install ./vendor/lockstep-kit-0.1.0.tgz ./vendor/lockstep-client-0.1.0.tgz": [
    "test/consumers.test.ts",
    "expect(readme).toContain(`npm install",
  ],
  "npm run build": [".ci/run", "for check in build"],
  "npm create lockstep@latest my-app": ["test/release.test.ts", "lockstep@latest my-app"],
  "npm create lockstep@latest my-app --registry=https://npm.example.com/": [
    "test/release.test.ts",
    "lockstep@latest my-app",
  ],
  "npx ./create-lockstep-0.1.0.tgz my-app --no-install": ["test/release.test.ts", "./create-lockstep-0.1.0.tgz my-app"],
  "npx pnpm@12 pack": ["test/release.test.ts", "pack --pack-destination"],
  "npm pack": ["test/release.test.ts", "npm pack --pack-destination"],
  "npm install ./vendor/app-contract-0.0.0.tgz": [
    "test/release.test.ts",
    "npm install ./vendor/app-contract-0.0.0.tgz",
  ],
  "npm install": ["test/release.test.ts", '"npm install --package-lock-only'],
  "npx create-lockstep@latest upgrade": ["test/release.test.ts", "create-lockstep@latest upgrade"],
  "npm run demo": ["apps/cli/test/third-party.test.ts", "startDemo"],
  "npm run demo -- --device": ["apps/cli/test/third-party.test.ts", "--device"],
  "npm run lockstep -- eject sign-in": ["packages/pages/test/eject.test.ts", 'run("sign-in")'],
  "npm run lockstep -- eject --status": ["packages/pages/test/eject.test.ts", 'run("--status")'],
  "npm run lockstep -- eject sign-in --diff": ["packages/pages/test/eject.test.ts", 'run("sign-in", "--diff")'],
  "npm run lockstep -- eject sign-in --accept": ["packages/pages/test/eject.test.ts", 'run("sign-in", "--accept")'],
  "npm run lockstep -- doctor": ["packages/server/src/admin/doctor.test.ts", 'lockstep(["doctor"])'],
  "npm run lockstep -- mail test jane@example.com": ["packages/server/src/admin/mail.test.ts", '"mail", "test"'],
  "npm run lockstep -- db backup /backups/lockstep.db": [
    "packages/server/src/admin/database.test.ts",
    '"db", "backup"',
  ],
  "npm run lockstep -- db copy --from file:.data/lockstep.db --to postgres://lockstep@db.example.com/lockstep": [
    "packages/server/src/admin/database.test.ts",
    '"db", "copy"',
  ],
  "npm run lockstep -- db copy --from file:.data/lockstep.db --to postgres://lockstep@db.example.com/lockstep --more": [
    "packages/server/src/admin/database.test.ts",
    '"--more"',
  ],
  "npm run image -- /opt/lockstep-1": ["apps/server/test/image.test.ts", '"../image.ts"'],
  'for name in SECRET PEPPER POSTGRES_PASSWORD; do echo "$name=$(openssl rand -hex 32)"; done > .env': [
    "test/deploy.test.ts",
    "for name in SECRET",
  ],
  "npm run lockstep -- provider check google": ["packages/server/src/admin/providers.test.ts", '"check"'],
  "NODE_ENV=production PUBLIC_URL=https://api.example.com TRUST_PROXY=10.0.0.1 SECRET=… DATABASE_URL=postgres://… MAIL_URL=smtp://… MAIL_FROM=no-reply@example.com node --max-semi-space-size=8 --import ./prelude.mjs apps/server/dist/main.js":
    ["apps/server/test/bundle.test.ts", "../dist/main.js"],
};

/** These need a machine or a Docker engine of their own. Tests check the files that they read and what they start. */
const onServers: readonly string[] = [
  "ln -sfn /opt/lockstep-1 /opt/lockstep",
  "useradd --system lockstep",
  "cp deploy/lockstep.service /etc/systemd/system/",
  "systemctl enable --now lockstep",
  "sudo -u lockstep node --env-file=/etc/lockstep/settings apps/server/dist/admin.js user create jane --email jane@example.com --role admin",
  "docker compose up --build --detach",
  "docker compose exec server-1 /usr/local/bin/node apps/server/dist/admin.js user create jane --email jane@example.com --role admin",
  "docker compose build",
  "docker compose up --no-deps --wait --detach server-1",
  "docker compose up --no-deps --wait --detach server-2",
  "docker run --env-file settings --volume lockstep:/data --read-only --tmpfs /tmp --cap-drop ALL --publish 3000:3000 lockstep",
];

/** Commands that are run below, in this order, and what they print. Named groups become variables of later commands. */
const here: readonly (readonly [command: string, output: RegExp])[] = [
  ["npm run lockstep -- --help", /Usage: lockstep/],
  ["npm run lockstep -- user create --help", /Usage: lockstep user create/],
  ["curl -s localhost:3000/token -d 'username=john&password=secret'", /"access_token":"/],
  ['curl -s localhost:3000/users/me -H "Authorization: Bearer $ACCESS_TOKEN"', /"username":"john"/],
  [
    'curl -s localhost:3000/protected-route -H "Authorization: Bearer $ACCESS_TOKEN"',
    /Hello, John Doe! This is a protected route\./,
  ],
  [
    `curl -s localhost:3000/trpc/account.register -H 'Content-Type: application/json' -d '{"email":"jane@example.com"}'`,
    /"proofId":"(?<PROOF_ID>[^"]+)"/,
  ],
  [
    "curl -s localhost:3000/dev/mail -H 'Accept: application/json'",
    /"to":"jane@example\.com".*(?<CODE>[A-Z]{4}-[A-Z]{4})/,
  ],
  [
    `curl -s localhost:3000/trpc/account.completeRegistration -H 'Content-Type: application/json' -d '{"proofId":"'$PROOF_ID'","code":"'$CODE'","fullName":"Jane Roe","password":"seven wooden kites in the rain"}'`,
    /"status":"signed_in"/,
  ],
  [
    "curl -s localhost:3000/token -d 'username=jane@example.com&password=seven wooden kites in the rain'",
    /"access_token":"/,
  ],
  ["curl -si localhost:3000/users/me | grep -i ^www-authenticate", /^www-authenticate: Bearer resource_metadata=/i],
  ["npm run demo -- --sign-out", /signed out/],
  ["npm run demo -- --password", /John Doe/],
  [
    'npm run lockstep -- client create "Photo app" --redirect https://photos.example/callback --scope profile:read',
    /Photo app/,
  ],
  ['npm run lockstep -- client create "Nightly report" --kind service --scope notes:read', /Nightly report/],
  ["npm run lockstep -- client list", /Nightly report.*Photo app/s],
  ['npm run lockstep -- client verify "$CLIENT_ID"', /\S/],
  ['npm run lockstep -- client rotate-secret "$CLIENT_ID"', /\S/],
  ['npm run lockstep -- client delete "$CLIENT_ID"', /\S/],
  ["npm run lockstep -- keys rotate", /\S/],
  ["npm run lockstep -- keys list", /signing/],
  ['npm run lockstep -- keys retire "$KID"', /\S/],
  ["npm run lockstep -- user factors list john", /john has no factors/],
  ["npm run lockstep -- user factors require john", /john needs a second factor/],
  ["npm run lockstep -- user factors reset john", /john is signed out everywhere/],
  ["npm run lockstep -- user factors reset john --cancel", /No reset of john is under way/],
  ["npm run lockstep -- user sign-out john", /john/],
  ["npm run lockstep -- user disable john", /john/],
  ["npm run lockstep -- db check", /Nothing is wrong/],
  ["npm run lockstep -- provider list", /google.*\/login\/google\/callback/s],
  ["npm run lockstep -- mail list --state given_up", /^ID +TEMPLATE +STATE/m],
  ["npm run lockstep -- mail retry", /0 mails are sent again/],
  ["npm run lockstep -- audit --since 24h", /keys\.rotate/],
  ["npm run -s lockstep -- audit --since 24h --user john --json", /^\{"id":[^\n]*"userId"/],
  [`npm run -s lockstep -- audit --since 1h --json | grep '"outcome":"refused"'`, /^\{"id":/],
  [String.raw`grep -rhoE "\[S[0-9]+\]" apps packages | sort -uV`, /^\[S1\]$.*^\[S37\]$/ms],
];

test("a test or CI runs every documented command", () => {
  const covered = [...Object.keys(elsewhere), ...here.map(([command]) => command)];
  const others = documented.filter((command) => !isBenchmark(command) && !onServers.includes(command));
  expect(others.filter((command) => !covered.includes(command))).toEqual([]);
  expect(covered.filter((command) => !others.includes(command))).toEqual([]);
});

test("no documented command needs more than npm, except on servers", () => {
  const others = documented.filter((command) => !/^([A-Z_]+=\S+ )*(npm|npx|curl|node|grep|for) /.test(command));
  expect(others.toSorted()).toEqual(onServers.toSorted());
});

test.each(Object.entries(elsewhere))("%s is run where this list says", (_command, [file, text]) => {
  expect(read(file)).toContain(text);
});

test.each(documented.filter(isBenchmark))("%s names parts and options of the benchmarks", (command) => {
  const main = read("bench/src/main.ts");
  const names = command.replace(/^npm run bench( --)?/, "").match(/(?<= )(--)?[a-z]+/g) ?? [];
  for (const name of names) expect(main).toMatch(new RegExp(`^ +${name.replace("--", "")}\\b`, "m"));
  expect(read("package.json")).toContain('"bench":');
});

test("the commands of the tutorial are run in a new app", () => {
  expect(read("packages/create-lockstep/test/your-first-feature.test.ts")).toContain(`docs/${tutorial}`);
});

test("npm run check consists of steps that CI runs", () => {
  const [, body = ""] = /^ {2}check: async \(\) => \{(.*?)^ {2}\}/ms.exec(read("run.mjs")) ?? [];
  const steps = [...body.matchAll(/await (\w+)\(/g)].map(([, step]) => step);
  expect(steps).toContain("test");
  const ci = /for check in (.*);/.exec(read(".ci/run"))?.[1]?.split(" ") ?? [];
  expect(steps.filter((step) => !["install", "test", ...ci].includes(step ?? ""))).toEqual([]);
});

describe("run in a shell", () => {
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
    const signIn = (password: string) =>
      fetch(`${env["PUBLIC_URL"]}/token`, {
        method: "POST",
        body: new URLSearchParams({ username: "john", password }),
      });
    // One refused entry for the audit log.
    await signIn("wrong");
    const { access_token: accessToken } = (await (await signIn("secret")).json()) as { access_token: string };
    const { output: client } = await run("npm run -s lockstep -- client create Old --kind service --json");
    const { output: key } = await run("npm run -s lockstep -- keys list --json");
    env = {
      ...env,
      ACCESS_TOKEN: accessToken,
      CLIENT_ID: JSON.parse(client).id,
      KID: JSON.parse(key.split("\n")[0] ?? "").id,
      PROVIDERS: JSON.stringify({ google: { clientId: "id", clientSecret: "secret" } }),
    };
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  test.each(here)("%s", async (command, expected) => {
    const typed = command.replace("localhost:3000", `localhost:${env["PORT"]}`);
    const { code, output } = await run(typed, "john\nsecret\n");
    expect([code, output]).toEqual([0, expect.stringMatching(expected)]);
    env = { ...env, ...expected.exec(output)?.groups };
  });
});
