import { existsSync } from "node:fs";
import { join } from "node:path";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { engines } from "../../test/engines.ts";
import { migrationNames, schemaVersion } from "../db/migrate.ts";
import { openAdmin } from "./testing.ts";

const applied = migrationNames.map((name) => `Applied ${name}.\n`).join("");

describe.each(engines)("lockstep migrate on $engine", ({ newDatabase }) => {
  it("applies the missing migrations and lists them, and nothing the second time", async () => {
    await using admin = await openAdmin(newDatabase);
    expect(await admin.lockstep(["migrate"])).toEqual({ exitCode: 0, stdout: applied, stderr: "" });
    expect(await admin.lockstep(["migrate"])).toEqual({
      exitCode: 0,
      stdout: "Nothing to apply: the database is up to date.\n",
      stderr: "",
    });
    expect(await admin.lockstep(["migrate", "--json"])).toEqual({
      exitCode: 0,
      stdout: '{"applied":[]}\n',
      stderr: "",
    });
  });

  it("prints JSON for programs", async () => {
    await using admin = await openAdmin(newDatabase);
    const { stdout } = await admin.lockstep(["migrate", "--json"]);
    expect(JSON.parse(stdout)).toEqual({ applied: migrationNames });
  });

  it("refuses a database that is two versions newer, like the other commands", async () => {
    await using admin = await openAdmin(newDatabase);
    const { db } = await admin.open();
    const recordVersion = (version: number) => sql`update schema_version set version = ${version}`.execute(db);
    await recordVersion(schemaVersion + 1);
    expect((await admin.lockstep(["user", "list"])).exitCode).toBe(0);
    await recordVersion(schemaVersion + 2);
    const { exitCode, stderr } = await admin.lockstep(["migrate"]);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: expect.stringMatching(
        /^The database was made by a newer version of Lockstep \(schema \d+, this one has \d+\)[^\n]*\n$/,
      ),
    });
    expect((await admin.lockstep(["user", "list"])).exitCode).toBe(1);
  });

  it("is required before every command about users and keys", async () => {
    await using admin = await openAdmin(newDatabase);
    for (const argv of [
      ["user", "list"],
      ["user", "show", "jane"],
      ["user", "create", "jane"],
      ["user", "import", "-"],
      ["keys", "list"],
    ]) {
      expect(await admin.lockstep(argv, "wool lamp river stone")).toEqual({
        exitCode: 1,
        stdout: "",
        stderr:
          "The database that DATABASE_URL names is not migrated to this version: run `npm run lockstep -- migrate` first.\n",
      });
    }
    expect((await admin.lockstep(["migrate"])).stdout).toBe(applied);
  });
});

describe("settings of the admin commands", () => {
  const [sqlite] = engines;

  it("report each error in one sentence", async () => {
    await using admin = await openAdmin(sqlite.newDatabase);
    const { exitCode, stdout, stderr } = await admin.lockstep(["migrate"], "", { BCRYPT_COST: "99", SECRET: "short" });
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr).toMatch(/^SECRET: .*\nBCRYPT_COST: .*\n$/);
  });

  it("follow the rules of production", async () => {
    await using admin = await openAdmin(sqlite.newDatabase);
    const { exitCode, stderr } = await admin.lockstep(["user", "list"], "", { NODE_ENV: "production" });
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: expect.stringContaining("PUBLIC_URL: required in production"),
    });
  });

  it("have the same defaults as the server's: a database and a secret in `.data`", async () => {
    await using admin = await openAdmin(sqlite.newDatabase);
    const defaults = { DATABASE_URL: "", SECRET: "" };
    expect((await admin.lockstep(["migrate"], "", defaults)).exitCode).toBe(0);
    expect((await admin.lockstep(["keys", "list"], "", defaults)).exitCode).toBe(0);
    for (const file of ["lockstep.db", "secret"]) expect(existsSync(join(admin.directory, ".data", file))).toBe(true);
  });

  it("with a missing database create none, except for `migrate`", async () => {
    await using admin = await openAdmin(sqlite.newDatabase);
    const elsewhere = join(admin.directory, "elsewhere.db");
    expect((await admin.lockstep(["user", "list"], "", { DATABASE_URL: `file:${elsewhere}` })).exitCode).toBe(1);
    expect(existsSync(elsewhere)).toBe(false);
  });

  it("with an unreachable PostgreSQL are reported without its password", async () => {
    await using admin = await openAdmin(sqlite.newDatabase);
    const { exitCode, stderr } = await admin.lockstep(["migrate"], "", {
      DATABASE_URL: "postgres://lockstep:a-password-of-tests@127.0.0.1:1/lockstep",
    });
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^PostgreSQL at .* does not answer[^\n]*\n$/);
    expect(stderr).not.toContain("a-password-of-tests");
  });
});
