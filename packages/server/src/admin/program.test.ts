import { Readable, Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { engines } from "../../test/engines.ts";
import { fixtureApp } from "../fixture-app.ts";
import { runAdmin } from "./program.ts";
import { openAdmin, openMigratedAdmin } from "./testing.ts";

const [{ newDatabase }] = engines;

const typed = "wool lamp river stone";

describe("the lockstep command line", () => {
  it.each([[], ["user"], ["keys"]])("prints help and exits with 2 when a command is missing: %s", async (...argv) => {
    await using admin = await openAdmin(newDatabase);
    const { exitCode, stdout, stderr } = await admin.lockstep(argv);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toMatch(/^Usage: lockstep/);
  });

  it.each([
    [["--help"], /Exit codes:\n +0 +done\n +1 .*\n +2 .*\n +3 .*\n +4 .*\n +130 .*\n/],
    [["migrate", "--help"], /Example:\n {2}\$ .*npm run lockstep -- migrate/],
    [
      ["user", "--help"],
      /create[\s\S]*list[\s\S]*show[\s\S]*disable[\s\S]*enable[\s\S]*set-password[\s\S]*sign-out[\s\S]*import/,
    ],
    ...["create", "list", "show", "disable", "enable", "set-password", "sign-out", "import"].map(
      (name) =>
        [
          ["user", name, "--help"],
          new RegExp(`Examples?:\\n[\\s\\S]*\\$ npm run (-s )?lockstep -- user ${name}`),
        ] as const,
    ),
    ...["list", "rotate", "retire"].map(
      (name) =>
        [["keys", name, "--help"], new RegExp(`Example:\\n {2}\\$ npm run (-s )?lockstep -- keys ${name}`)] as const,
    ),
    [["audit", "--help"], /Examples:\n {2}\$ npm run lockstep -- audit --since/],
    [["help", "user"], /^Usage: lockstep user/],
  ] as const)("prints help: %s", async (argv, words) => {
    await using admin = await openAdmin(newDatabase);
    const { exitCode, stdout, stderr } = await admin.lockstep(argv);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toMatch(words);
    expect(stdout).not.toContain("\u001b[");
  });

  it.each([
    ["nonsense"],
    ["user", "nonsense"],
    ["user", "lst"],
    ["user", "list", "--nonsense"],
    ["user", "list", "too much"],
    ["user", "show"],
    ["user", "import"],
    ["keys", "list", "--json=yes"],
    ["keys", "retire"],
    ["audit"],
    ["audit", "--since", "yesterday"],
  ])("refuses unknown commands and options in one sentence: %s %s %s", async (...argv) => {
    await using admin = await openAdmin(newDatabase);
    const { exitCode, stdout, stderr } = await admin.lockstep(argv.filter((word) => word !== undefined));
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toMatch(/^error: [^\n]+ See --help\.\n$/);
  });

  it.each([
    ["user", "create", "jane", typed],
    ["user", "create", "jane", `--password=${typed}`],
    ["user", "create", "jane", "--password", typed],
    ["user", "create", "jane", `-p${typed}`],
    ["user", "create", "jane", "-p", typed],
    ["user", "set-password", "jane", typed],
    ["user", "set-password", "jane", `--passwd=${typed}`],
    ["user", "set-password", "jane", `--new=${typed}'s`],
  ])("never accepts a password as an argument, nor repeats it: %s %s %s %s", async (...argv) => {
    await using admin = await openMigratedAdmin(newDatabase);
    const ran = await admin.lockstep(argv, typed);
    expect(ran).toEqual({ exitCode: 2, stdout: "", stderr: expect.stringMatching(/^error: [^\n]+ See --help\.\n$/) });
    expect(ran.stderr).not.toContain(typed.slice(0, 4));
    if (argv[3]?.startsWith("--pass")) expect(ran.stderr).toContain("A password is never an argument");
    expect((await admin.lockstep(["user", "list", "--json"])).stdout).toBe("");
  });

  it("reports an unexpected failure without the data that was written", async () => {
    await using admin = await openAdmin(newDatabase);
    const { db } = await admin.open();
    await db.schema.alterTable("users").renameColumn("password_hash", "gone").execute();
    const { exitCode, stdout, stderr } = await admin.lockstep(["user", "create", "jane"], typed);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr).toContain("password_hash");
    expect(stderr).not.toContain("hmac-sha384:");
    expect(stderr).not.toContain(typed);
  });

  it("runs the commands of other packages, and reports their refusals with one sentence and their exit code", async () => {
    await using admin = await openAdmin(newDatabase);
    const printed: string[] = [];
    const collect = () => new Writable({ write: (chunk, _, done) => done(void printed.push(String(chunk))) });
    const { directory, env } = admin;
    const run = (...argv: string[]) =>
      runAdmin(argv, {
        app: fixtureApp,
        env,
        root: directory,
        directory,
        stdin: Readable.from([]),
        stdout: collect(),
        stderr: collect(),
        commands: [
          (program, { stdout }) => {
            const greet = program.command("greet <name>").action((name: string) => {
              if (name === "nobody") greet.error("There is nobody to greet.", { exitCode: 3, code: "greet.nobody" });
              stdout.write(`Hello, ${name}`);
            });
          },
        ],
      });
    expect([await run("greet", "Jane"), printed.join("")]).toEqual([0, "Hello, Jane"]);
    printed.length = 0;
    expect([await run("greet", "nobody"), printed.join("")]).toEqual([3, "There is nobody to greet.\n"]);
  });

  it("stops and exits with 1 when the reader of its output is gone", async () => {
    await using admin = await openAdmin(newDatabase);
    const stdout = new Writable({
      write: (_, __, done) => done(Object.assign(new Error("write EPIPE"), { code: "EPIPE" })),
    });
    stdout.on("error", () => {});
    const errors: string[] = [];
    const stderr = new Writable({
      write(chunk: Buffer, _, done) {
        errors.push(chunk.toString());
        done();
      },
    });
    const { directory, env } = admin;
    const process = {
      app: fixtureApp,
      env,
      root: directory,
      directory,
      stdin: Readable.from([]),
      stdout,
      stderr,
    };
    expect(await runAdmin(["migrate"], process)).toBe(1);
    expect(errors.join("")).toBe("");
  });
});
