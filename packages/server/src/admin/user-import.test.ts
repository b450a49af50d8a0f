import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as bcrypt from "@node-rs/bcrypt";
import { describe, expect, it } from "vitest";
import { engines } from "../../test/engines.ts";
import { commandLine } from "../domain/kernel/audit.ts";
import { typed } from "../testing.ts";
import { openMigratedAdmin } from "./testing.ts";

const password = "an old one";
const passwordHash = bcrypt.hashSync(password, { cost: 4 });

const jsonLines = (...values: readonly unknown[]) => values.map((value) => `${JSON.stringify(value)}\n`).join("");

describe.each(engines)("lockstep user import on $engine", ({ newDatabase }) => {
  const open = async () => {
    const admin = await openMigratedAdmin(newDatabase);
    return {
      ...admin,
      importJson: async (stdin: Parameters<typeof admin.lockstep>[1]) => {
        const { exitCode, stdout, stderr } = await admin.lockstep(["user", "import", "-", "--json"], stdin);
        const outcomes = stdout.split("\n").filter(Boolean);
        return { exitCode, stderr, outcomes: outcomes.map((line) => JSON.parse(line) as Record<string, unknown>) };
      },
      list: async () => {
        const { stdout } = await admin.lockstep(["user", "list", "--json"]);
        return stdout.split("\n").flatMap((line) => (line ? [JSON.parse(line) as Record<string, unknown>] : []));
      },
    };
  };

  it("imports users with all their properties from a file", async () => {
    await using admin = await open();
    await writeFile(
      join(admin.directory, "users.jsonl"),
      jsonLines(
        { username: "Jane", email: "Jane@Example.com", fullName: "Jane Doe", passwordHash, role: "admin" },
        { username: "bob", passwordHash, email: null, disabled: true },
      ),
    );
    expect(await admin.lockstep(["user", "import", "users.jsonl"])).toEqual({
      exitCode: 0,
      stdout: "2 imported, 0 skipped, 0 failed.\n",
      stderr: "",
    });
    expect(await admin.list()).toEqual([
      expect.objectContaining({ username: "bob", email: null, fullName: "bob", role: "user", disabled: true }),
      expect.objectContaining({
        username: "jane",
        email: "jane@example.com",
        fullName: "Jane Doe",
        role: "admin",
        disabled: false,
      }),
    ]);
  });

  it("audits each created user, and no other line", async () => {
    await using admin = await open();
    const lines = jsonLines(
      { username: "jane", passwordHash },
      { username: "bob" },
      { username: "jane", passwordHash },
    );
    const { outcomes } = await admin.importJson(lines);
    const { domain } = await admin.open();
    const trail = (await domain.audit.list({ limit: 10 })).filter(({ action }) => action === "user.create");
    expect(trail).toEqual([
      expect.objectContaining({ userId: outcomes[0]?.["id"], outcome: "done", detail: {}, source: commandLine }),
    ]);
  });

  it.each(["2a", "2b", "2y"] as const)(
    "[S66] imports users with $%s$ hashes, which are upgraded at the first sign-in",
    async (version) => {
      await using admin = await open();
      const hash = await bcrypt.hash(password, { cost: 4, version });
      await admin.lockstep(["user", "import", "-"], jsonLines({ username: "jane", passwordHash: hash }));
      const { domain } = await admin.open();
      const stored = async () => (await domain.users.findByLogin("jane"))?.passwordHash;
      expect(await stored()).toBe(hash);

      await expect(domain.signIn.withPassword(typed("jane", "wrong"))).rejects.toMatchObject({
        code: "INVALID_CREDENTIALS",
      });
      expect(await stored()).toBe(hash);
      await domain.signIn.withPassword(typed("jane", password));
      expect(await stored()).toMatch(/^hmac-sha384:none:\$2b\$/);
      await domain.signIn.withPassword(typed("jane", password));
    },
  );

  it("imports disabled users, who cannot sign in", async () => {
    await using admin = await open();
    await admin.lockstep(["user", "import", "-"], jsonLines({ username: "jane", passwordHash, disabled: true }));
    const { domain } = await admin.open();
    await expect(domain.signIn.withPassword(typed("jane", password))).rejects.toMatchObject({
      code: "INVALID_CREDENTIALS",
    });
  });

  it("reports the outcome of each line in order, and imports the valid ones", async () => {
    await using admin = await open();
    const lines = [
      JSON.stringify({ username: "jane", email: "jane@example.com", passwordHash }),
      "{not json",
      "",
      JSON.stringify({ username: "jane", passwordHash, fullName: "Another Jane" }),
      JSON.stringify({ username: "bob", email: "JANE@example.com", passwordHash }),
      "   \r",
      `${JSON.stringify({ username: "carol", passwordHash })}\r`,
    ];
    const { exitCode, stderr, outcomes } = await admin.importJson(lines.join("\n"));
    expect(outcomes).toEqual([
      { line: 1, outcome: "imported", username: "jane", id: expect.stringMatching(/^[\w-]{22}$/) },
      { line: 2, outcome: "failed", reason: "not JSON in UTF-8" },
      { line: 4, outcome: "skipped", username: "jane", reason: "the username jane exists already" },
      { line: 5, outcome: "failed", reason: "email: another account uses the address of bob" },
      { line: 7, outcome: "imported", username: "carol", id: expect.any(String) },
    ]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 4, stderr: "2 lines were not imported.\n" });
    expect((await admin.list()).map(({ username, fullName }) => [username, fullName])).toEqual([
      ["carol", "carol"],
      ["jane", "jane"],
    ]);
  });

  it("lists every line that was not imported, on standard error", async () => {
    await using admin = await open();
    const lines = jsonLines(
      { username: "jane", passwordHash },
      { username: "jane", passwordHash },
      { username: "bob" },
    );
    expect(await admin.lockstep(["user", "import", "-"], lines)).toEqual({
      exitCode: 4,
      stdout: "1 imported, 1 skipped, 1 failed.\n",
      stderr: [
        "Line 2 skipped: the username jane exists already",
        "Line 3 failed: passwordHash: Invalid input: expected string, received undefined",
        "1 line was not imported.",
        "",
      ].join("\n"),
    });
  });

  it("can be repeated: existing users are skipped, unchanged, without an error", async () => {
    await using admin = await open();
    const lines = jsonLines({ username: "jane", passwordHash }, { username: "bob", passwordHash });
    await admin.importJson(lines);
    const { domain } = await admin.open();
    await domain.signIn.withPassword(typed("jane", password));
    const upgraded = (await domain.users.findByLogin("jane"))?.passwordHash;

    const again = await admin.importJson(`${lines}${jsonLines({ username: "carol", passwordHash })}`);
    expect(again.exitCode).toBe(0);
    expect(again.outcomes.map(({ outcome }) => outcome)).toEqual(["skipped", "skipped", "imported"]);
    expect((await domain.users.findByLogin("jane"))?.passwordHash).toBe(upgraded);
  });

  it("reports each of two lines with the same username", async () => {
    await using admin = await open();
    await admin.lockstep(["user", "create", "zoe", "--email", "taken@example.com"], "wool lamp river stone");
    const { outcomes } = await admin.importJson(
      jsonLines(
        { username: "jane", email: "taken@example.com", passwordHash, fullName: "First" },
        { username: "Jane", email: "free@example.com", passwordHash, fullName: "Second" },
      ),
    );
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(["failed", "imported"]);
    expect((await admin.list())[0]).toMatchObject({ username: "jane", fullName: "Second" });
  });

  it("imports more lines than one statement writes", async () => {
    await using admin = await open();
    const users = Array.from({ length: 1203 }, (_, index) => ({ username: `user-${index}`, passwordHash }));
    const { exitCode, outcomes } = await admin.importJson(jsonLines(...users, { username: "user-7", passwordHash }));
    expect(exitCode).toBe(0);
    expect(outcomes.map(({ line }) => line)).toEqual(Array.from({ length: 1204 }, (_, index) => index + 1));
    expect(outcomes.map(({ outcome }) => outcome)).toEqual([...users.map(() => "imported"), "skipped"]);
    expect(await admin.list()).toHaveLength(1203);
  });

  it("refuses invalid lines one by one, and repeats no value", async () => {
    await using admin = await open();
    const cases: [string, unknown][] = [
      ["an array", []],
      ["null", null],
      ["a string", passwordHash],
      ["no username", { passwordHash }],
      ["a bad username", { username: "a b", passwordHash }],
      ["a null byte in the username", { username: "a\0b", passwordHash }],
      ["a null byte in the e-mail address", { username: "jane", email: "a\0@example.com", passwordHash }],
      ["a null byte in the name", { username: "jane", fullName: "a\0b", passwordHash }],
      ["half a surrogate pair in the name", { username: "jane", fullName: "a\ud800b", passwordHash }],
      ["a terminal's control characters", { username: "jane", fullName: "\u001b]0;title\u0007", passwordHash }],
      ["a bad address", { username: "jane", email: "", passwordHash }],
      ["a role that is none", { username: "jane", role: "root", passwordHash }],
      ["disabled as a word", { username: "jane", disabled: "yes", passwordHash }],
      ["no hash", { username: "jane" }],
      ["a null hash", { username: "jane", passwordHash: null }],
      ["a plain password", { username: "jane", passwordHash: password }],
      ["a plain password besides", { username: "jane", passwordHash, password }],
      ["a hash that this server made", { username: "jane", passwordHash: `hmac-sha384:none:${passwordHash}` }],
      ["a hash of another kind", { username: "jane", passwordHash: "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA" }],
      ["a hash that was cut", { username: "jane", passwordHash: passwordHash.slice(0, 59) }],
      ["a null byte behind the hash", { username: "jane", passwordHash: `${passwordHash}\0` }],
      ["a hash as a field's name", { username: "jane", passwordHash, [passwordHash]: 1 }],
      ["control characters as a field's name", { username: "jane", passwordHash, "\u001b[2J": 1 }],
    ];
    const { exitCode, outcomes, stderr } = await admin.importJson(jsonLines(...cases.map(([, value]) => value)));
    expect({ exitCode, stderr }).toEqual({ exitCode: 4, stderr: `${cases.length} lines were not imported.\n` });
    for (const [index, [what]] of cases.entries()) {
      expect({ what, ...outcomes[index] }).toEqual({
        what,
        line: index + 1,
        outcome: "failed",
        reason: expect.stringMatching(/^\P{Cc}{10,}$/u),
      });
    }
    const printed = JSON.stringify(outcomes);
    for (const secret of [passwordHash, passwordHash.slice(0, 20), password]) expect(printed).not.toContain(secret);
    expect(await admin.list()).toEqual([]);
  });

  it("survives huge, deeply nested and binary lines, and continues after them", async () => {
    await using admin = await open();
    const mebibyte = Buffer.alloc(1024 * 1024, "x");
    const { exitCode, outcomes } = await admin.importJson([
      ...Array.from({ length: 20 }, () => mebibyte),
      Buffer.from(`\n${"[".repeat(60_000)}\n`),
      Buffer.from([0xff, 0xfe, 0x00, 0x0a]),
      Buffer.from(`${JSON.stringify({ username: "a", fullName: "\u{1f42a}".repeat(10_000), passwordHash })}\n`),
      Buffer.from(`\ufeff${JSON.stringify({ username: "jane", passwordHash })}`),
    ]);
    expect(exitCode).toBe(4);
    expect(outcomes).toEqual([
      { line: 1, outcome: "failed", reason: "longer than 64 KiB" },
      { line: 2, outcome: "failed", reason: "not JSON in UTF-8" },
      { line: 3, outcome: "failed", reason: "not JSON in UTF-8" },
      { line: 4, outcome: "failed", reason: expect.stringContaining("fullName: ") },
      { line: 5, outcome: "imported", username: "jane", id: expect.any(String) },
    ]);
  });

  it("reports a file that cannot be read", async () => {
    await using admin = await open();
    for (const file of ["missing.jsonl", "."]) {
      const { exitCode, stdout, stderr } = await admin.lockstep(["user", "import", file]);
      expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
      expect(stderr).toMatch(/^The file cannot be read: [^\n]+\n$/);
    }
  });

  it("imports nothing from an empty file", async () => {
    await using admin = await open();
    expect(await admin.lockstep(["user", "import", "-"], "")).toEqual({
      exitCode: 0,
      stdout: "0 imported, 0 skipped, 0 failed.\n",
      stderr: "",
    });
  });
});
