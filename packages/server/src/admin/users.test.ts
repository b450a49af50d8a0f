import { describe, expect, it } from "vitest";
import { engines } from "../../test/engines.ts";
import { createDevices } from "../domain/sessions/devices.ts";
import { createSignIn } from "../domain/sessions/sign-in.ts";
import { startSession, testSource, testWorld, typed } from "../testing.ts";
import { openMigratedAdmin, type Ran } from "./testing.ts";

const password = "wool lamp river stone";
const another = "seven quiet harbours at dawn";

const outcomeOf = ({ exitCode, stderr }: Ran) => ({ exitCode, stderr });

describe.each(engines)("lockstep user on $engine", ({ newDatabase }) => {
  const open = async () => {
    const admin = await openMigratedAdmin(newDatabase);
    return admin;
  };

  const openWithJane = async () => {
    const admin = await open();
    const argv = ["user", "create", "jane", "--email", "jane@example.com", "--name", "Jane Doe", "--json"];
    const { stdout } = await admin.lockstep(argv, `${password}\n`);
    return { ...admin, jane: JSON.parse(stdout) as { id: string; createdAt: number } };
  };

  describe("create", () => {
    it("creates a user who can sign in with the password from standard input", async () => {
      await using admin = await open();
      const argv = ["user", "create", "Jane", "--email", "Jane@Example.com", "--name", " Jane Doe ", "--role", "admin"];
      expect(await admin.lockstep(argv, `${password}\n`)).toEqual({
        exitCode: 0,
        stdout: "jane is created.\n",
        stderr: "",
      });
      const { domain } = await admin.open();
      expect(await domain.signIn.withPassword(typed("jane", password))).toMatchObject({
        user: { username: "jane", email: "jane@example.com", fullName: "Jane Doe", role: "admin", disabled: false },
      });
    });

    it("prints the user as JSON, and needs only a username", async () => {
      await using admin = await open();
      const { stdout, stderr } = await admin.lockstep(["user", "create", "bob", "--json"], password);
      expect(stderr).toBe("");
      expect(stdout.endsWith("}\n")).toBe(true);
      expect(JSON.parse(stdout)).toEqual({
        id: expect.stringMatching(/^[\w-]{22}$/),
        username: "bob",
        email: null,
        emailVerified: false,
        fullName: "bob",
        role: "user",
        disabled: false,
        createdAt: expect.any(Number),
      });
    });

    it("refuses a username or e-mail address of another account before it asks for a password", async () => {
      await using admin = await openWithJane();
      expect(outcomeOf(await admin.lockstep(["user", "create", "JANE"], another))).toEqual({
        exitCode: 1,
        stderr: "The username jane is taken.\n",
      });
      expect(
        outcomeOf(await admin.lockstep(["user", "create", "bob", "--email", "JANE@example.com"], another)),
      ).toEqual({
        exitCode: 1,
        stderr: "Another account uses the e-mail address jane@example.com.\n",
      });
      expect((await admin.lockstep(["user", "show", "bob"])).exitCode).toBe(3);
    });

    it("refuses invalid values as wrong usage", async () => {
      await using admin = await open();
      const cases: [string, string[]][] = [
        ["a bad name", ["bad name"]],
        ["a username with @", ["jane@example.com"]],
        ["an empty name", [""]],
        ["a null byte in the name", ["bo\0b"]],
        ["a name of 65 characters", ["b".repeat(65)]],
        ["a bad address", ["bob", "--email", "nowhere"]],
        ["a null byte in the address", ["bob", "--email", "a\0@example.com"]],
        ["an empty full name", ["bob", "--name", "  "]],
        ["a control character in the full name", ["bob", "--name", "B\u001b[31mob"]],
        ["half a surrogate pair in the full name", ["bob", "--name", "B\ud800ob"]],
        ["a full name of 201 characters", ["bob", "--name", "b".repeat(201)]],
        ["a role that is none", ["bob", "--role", "root"]],
        ["no username", []],
      ];
      for (const [what, argv] of cases) {
        const { exitCode, stdout, stderr } = await admin.lockstep(["user", "create", ...argv], password);
        expect({ what, exitCode, stdout }).toEqual({ what, exitCode: 2, stdout: "" });
        expect(stderr).toMatch(/^error: .+ See --help\.\n$/s);
      }
      expect((await admin.lockstep(["user", "list", "--json"])).stdout).toBe("");
    });

    it.each([
      ["[S62] too short", "fourteen chars", "Use at least 15 characters: a few words in a row do.\n"],
      ["[S62] too long", "wool lamp river stone ".repeat(50), "Use at most 1024 characters.\n"],
      ["[S64] common", "passwordpassword", /^This is easy to guess\. [^\n]+\n$/],
      ["[S64] the user's own username", "bob-the-builder-of-it", /^This is easy to guess\. [^\n]+\n$/],
      ["[S64] the user's own e-mail address", "bob.builder@example.com", /^This is easy to guess\. [^\n]+\n$/],
      ["[S64] the user's own name", "Robert Bobson Builder", /^This is easy to guess\. [^\n]+\n$/],
    ])("refuses a password that is %s, and says why", async (_, refused, reason) => {
      await using admin = await open();
      const person = ["bob-the-builder-of-it", "--email", "bob.builder@example.com", "--name", "Robert Bobson Builder"];
      const ran = await admin.lockstep(["user", "create", ...person], `${refused}\n`);
      expect(ran).toEqual({
        exitCode: 1,
        stdout: "",
        stderr: typeof reason === "string" ? reason : expect.stringMatching(reason),
      });
      expect((await admin.lockstep(["user", "list", "--json"])).stdout).toBe("");
    });

    it("[S62] accepts a long password in any script without truncation", async () => {
      await using admin = await open();
      const long = `пароль из очень многих слов ${"и ещё нескольких других ".repeat(10)}`;
      expect((await admin.lockstep(["user", "create", "bob"], `${long}1\n`)).exitCode).toBe(0);
      const { domain } = await admin.open();
      await domain.signIn.withPassword(typed("bob", `${long}1`));
      await expect(domain.signIn.withPassword(typed("bob", `${long}2`))).rejects.toMatchObject({
        code: "INVALID_CREDENTIALS",
      });
    });
  });

  describe("list", () => {
    it("prints one user on each line, ordered by username, over all pages", async () => {
      await using admin = await open();
      const { domain } = await admin.open();
      const names = Array.from({ length: 2003 }, (_, index) => `user-${String(index).padStart(4, "0")}`);
      for (let start = 0; start < names.length; start += 500) {
        await domain.users.createAll(
          names.slice(start, start + 500).map((username) => ({
            username,
            email: null,
            fullName: username,
            role: "user" as const,
            passwordHash: null,
          })),
        );
      }
      const { exitCode, stdout, stderr } = await admin.lockstep(["user", "list", "--json"]);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
      const users = stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as { username: string });
      expect(users.map(({ username }) => username)).toEqual(names);

      const human = (await admin.lockstep(["user", "list"])).stdout.trimEnd().split("\n");
      expect(human).toHaveLength(1 + names.length);
    });

    it("prints aligned, plain columns for people", async () => {
      await using admin = await openWithJane();
      await admin.lockstep(["user", "create", "al", "--role", "admin"], password);
      await admin.lockstep(["user", "disable", "al"]);
      const { stdout } = await admin.lockstep(["user", "list"]);
      expect(stdout.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "2000-01-01T00:00:00.000Z")).toBe(
        [
          "USERNAME  ROLE   STATE     CREATED                   EMAIL             NAME",
          "al        admin  disabled  2000-01-01T00:00:00.000Z  -                 al",
          "jane      user   enabled   2000-01-01T00:00:00.000Z  jane@example.com  Jane Doe",
          "",
        ].join("\n"),
      );
    });

    it("prints only the header when there are no users", async () => {
      await using admin = await open();
      expect(await admin.lockstep(["user", "list", "--json"])).toEqual({ exitCode: 0, stdout: "", stderr: "" });
      expect((await admin.lockstep(["user", "list"])).stdout).toMatch(/^USERNAME .*\n$/);
    });
  });

  describe("invite and verify-email", () => {
    it("invites an address by mail, and replaces an earlier invitation", async () => {
      await using admin = await open();
      const invite = (...more: string[]) => admin.lockstep(["user", "invite", "Ada@Example.org", ...more]);
      expect(await invite()).toEqual({ exitCode: 0, stdout: "ada@example.org is invited, for 7 days.\n", stderr: "" });
      await invite("--role", "admin");
      const { db } = await admin.open();
      expect(await db.selectFrom("invitations").select(["email", "role"]).execute()).toEqual([
        { email: "ada@example.org", role: "admin" },
      ]);
      expect(await db.selectFrom("messages").select("template").execute()).toEqual(
        Array(2).fill({ template: "invitation" }),
      );
    });

    it("refuses to invite when nobody can sign up, and an address that an account has proved", async () => {
      await using admin = await openWithJane();
      const invite = (settings = {}) => admin.lockstep(["user", "invite", "jane@example.com"], "", settings);
      expect((await invite({ SIGN_UP: "off" })).stderr).toBe("Nobody can sign up: SIGN_UP=off.\n");
      expect((await invite({ MAIL: "off" })).stderr).toBe("This server sends no mail: MAIL=off.\n");
      expect((await invite({ SIGN_UP_DOMAINS: "example.org" })).exitCode).toBe(1);
      expect((await invite()).exitCode).toBe(0);
      await admin.lockstep(["user", "verify-email", "jane"]);
      expect((await invite()).stderr).toBe("jane has the e-mail address jane@example.com.\n");
    });

    it("vouches for the address of a user, with an audit entry", async () => {
      await using admin = await openWithJane();
      const { domain } = await admin.open();
      expect(await domain.users.find(admin.jane.id)).toMatchObject({ emailVerified: false });
      for (let n = 0; n < 2; n++)
        expect((await admin.lockstep(["user", "verify-email", "jane"])).stdout).toBe(
          "jane has the verified e-mail address jane@example.com.\n",
        );
      expect(await domain.users.find(admin.jane.id)).toMatchObject({ emailVerified: true });
      const actions = (await domain.audit.list({ userId: admin.jane.id, limit: 9 })).map(({ action }) => action);
      expect(actions.filter((action) => action === "user.verify_email")).toHaveLength(1);
      await admin.lockstep(["user", "create", "bob"], password);
      expect((await admin.lockstep(["user", "verify-email", "bob"])).exitCode).toBe(1);
    });
  });

  describe("show", () => {
    it("finds a user by username, e-mail address or ID", async () => {
      await using admin = await openWithJane();
      for (const login of ["jane", "JANE", "Jane@example.com", admin.jane.id]) {
        const { exitCode, stdout } = await admin.lockstep(["user", "show", login, "--json"]);
        expect({ exitCode, user: JSON.parse(stdout) }).toEqual({ exitCode: 0, user: admin.jane });
      }
    });

    it("prints fields for people, and no hash", async () => {
      await using admin = await openWithJane();
      const { stdout } = await admin.lockstep(["user", "show", "jane"]);
      expect(stdout).toBe(
        [
          `id        ${admin.jane.id}`,
          "username  jane",
          "email     jane@example.com",
          "verified  no",
          "name      Jane Doe",
          "role      user",
          "state     enabled",
          `created   ${new Date(admin.jane.createdAt).toISOString()}`,
          "",
        ].join("\n"),
      );
    });

    it("prefers the ID to a username that looks like it", async () => {
      await using admin = await openWithJane();
      const { db } = await admin.open();
      await db.updateTable("users").set({ username: "a-user-of-an-id" }).where("username", "=", "jane").execute();
      await admin.lockstep(["user", "create", "lookalike"], password);
      await db
        .updateTable("users")
        .set({ username: admin.jane.id.toLowerCase() })
        .where("username", "=", "lookalike")
        .execute();
      const { stdout } = await admin.lockstep(["user", "show", admin.jane.id, "--json"]);
      expect(JSON.parse(stdout)).toMatchObject({ username: "a-user-of-an-id" });
    });
  });

  describe("delete, cancel-deletion and export", () => {
    it("delete a user after some days, or keep the user", async () => {
      await using admin = await openWithJane();
      const { db, domain } = await admin.open();
      const { session } = await startSession(db, domain.sessions, admin.jane.id);
      const { exitCode, stdout } = await admin.lockstep(["user", "delete", "jane"]);
      const pending = await domain.deletions.find(admin.jane.id);
      const day = new Date(pending?.deletesAt ?? 0).toISOString();
      expect({ exitCode, stdout }).toEqual({
        exitCode: 0,
        stdout: `jane is deleted on ${day}, and every session and grant is revoked. Until then: user cancel-deletion jane.\n`,
      });
      expect(pending).toMatchObject({ requestedBy: "operator", started: false });
      expect(await domain.sessions.findLive(session.id)).toBeNull();
      expect((await admin.lockstep(["user", "show", "jane"])).stdout).toMatch(`deleted on  ${day}\n`);
      expect(outcomeOf(await admin.lockstep(["user", "enable", "jane"]))).toEqual({
        exitCode: 1,
        stderr: `jane is deleted on ${day}. To keep the account, run user cancel-deletion jane.\n`,
      });
      const kept = await admin.lockstep(["user", "cancel-deletion", "jane", "--json"]);
      expect(JSON.parse(kept.stdout)).toEqual(admin.jane);
      expect(outcomeOf(await admin.lockstep(["user", "cancel-deletion", "jane"]))).toEqual({
        exitCode: 1,
        stderr: "jane is not to be deleted, or the deletion has begun.\n",
      });
      await domain.signIn.withPassword(typed("jane", password));
    });

    it("delete a user at once with --now, also one who is to be deleted", async () => {
      await using admin = await openWithJane();
      const { domain } = await admin.open();
      await admin.lockstep(["user", "delete", "jane"]);
      const { exitCode, stdout } = await admin.lockstep(["user", "delete", "jane", "--now"]);
      expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "jane is deleted.\n" });
      expect(await domain.users.find(admin.jane.id)).toBeNull();
      expect((await admin.lockstep(["user", "delete", "jane", "--now"])).exitCode).toBe(3);
      expect((await admin.lockstep(["user", "create", "jane"], password)).exitCode).toBe(0);
    });

    it("print everything about a user as one JSON document, each row on a line", async () => {
      await using admin = await openWithJane();
      const { domain, db } = await admin.open();
      for (let number = 0; number < 250; number++) await startSession(db, domain.sessions, admin.jane.id);
      const { exitCode, stdout, stderr } = await admin.lockstep(["user", "export", "jane"]);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
      const { exportedAt, tables } = JSON.parse(stdout);
      expect(exportedAt).toMatch(/^\d{4}-\d\d-\d\dT/);
      expect(tables.users).toMatchObject([{ username: "jane", email: "jane@example.com", full_name: "Jane Doe" }]);
      expect(tables.sessions).toHaveLength(250);
      expect(tables.grants).toEqual([]);
      expect(stdout).not.toContain("password_hash");
      const entries = await domain.audit.list({ userId: admin.jane.id, limit: 1000 });
      expect(entries.filter(({ action }) => action === "user.export")).toHaveLength(1);
    });
  });

  it("exits with 3 when there is no such user, and with 2 when the argument is invalid", async () => {
    await using admin = await open();
    const names = ["show", "disable", "enable", "set-password", "sign-out", "delete", "cancel-deletion", "export"];
    for (const name of names) {
      expect(await admin.lockstep(["user", name, "nobody"], password)).toEqual({
        exitCode: 3,
        stdout: "",
        stderr: "There is no user nobody.\n",
      });
      for (const impossible of ["", "a\0b", "x".repeat(255), "\ud800"]) {
        const { exitCode, stdout } = await admin.lockstep(["user", name, impossible], password);
        expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
      }
    }
    const { stderr } = await admin.lockstep(["user", "show", "\u001b[31mred\u202e"]);
    expect(stderr).toBe("There is no user \\u{1b}[31mred\\u{202e}.\n");
  });

  describe("disable and enable", () => {
    it("end every session, which enabling does not restore", async () => {
      await using admin = await openWithJane();
      const { db, domain } = await admin.open();
      const { session } = await startSession(db, domain.sessions, admin.jane.id);
      expect(await admin.lockstep(["user", "disable", "jane"])).toEqual({
        exitCode: 0,
        stdout: "jane is disabled, and every session and grant is revoked.\n",
        stderr: "",
      });
      expect(await domain.sessions.findLive(session.id)).toBeNull();
      await expect(domain.signIn.withPassword(typed("jane", password))).rejects.toMatchObject({
        code: "INVALID_CREDENTIALS",
      });

      // Also when something else enables her.
      await domain.users.setDisabled(admin.jane.id, false);
      expect(await domain.sessions.findLive(session.id)).toBeNull();
      await domain.users.setDisabled(admin.jane.id, true);

      expect(await admin.lockstep(["user", "enable", "jane"])).toEqual({
        exitCode: 0,
        stdout: "jane is enabled.\n",
        stderr: "",
      });
      expect(await domain.sessions.findLive(session.id)).toBeNull();
      await domain.signIn.withPassword(typed("jane", password));
    });

    it("start no session for a sign-in that had verified the password, and neither does a new password", async () => {
      await using admin = await openWithJane();
      const { db, domain } = await admin.open();
      const devices = createDevices({ ...testWorld(Date.now), secrets: domain.secrets });
      const signInDuring = (command: () => Promise<unknown>) => {
        const verify: typeof domain.passwords.verify = async (...input) => {
          const verification = await domain.passwords.verify(...input);
          await command();
          return verification;
        };
        const signIn = createSignIn({
          ...domain,
          ...domain.clock,
          db,
          devices,
          passwords: { ...domain.passwords, verify },
        });
        return signIn.withPassword(typed("jane", password));
      };
      const refused = { code: "INVALID_CREDENTIALS" };
      await expect(signInDuring(() => admin.lockstep(["user", "disable", "jane"]))).rejects.toMatchObject(refused);
      await admin.lockstep(["user", "enable", "jane"]);
      await expect(signInDuring(() => admin.lockstep(["user", "set-password", "jane"], another))).rejects.toMatchObject(
        refused,
      );
      expect(await domain.sessions.list(admin.jane.id)).toEqual([]);
    });

    it("can be repeated, print the user as JSON, and do not affect other sessions", async () => {
      await using admin = await openWithJane();
      const { db, domain } = await admin.open();
      const bob = JSON.parse((await admin.lockstep(["user", "create", "bob", "--json"], password)).stdout);
      const { session: bobs } = await startSession(db, domain.sessions, bob.id);
      for (const [name, disabled] of [
        ["disable", true],
        ["disable", true],
        ["enable", false],
        ["enable", false],
      ] as const) {
        const { exitCode, stdout } = await admin.lockstep(["user", name, "jane@example.com", "--json"]);
        expect({ exitCode, user: JSON.parse(stdout) }).toEqual({ exitCode: 0, user: { ...admin.jane, disabled } });
        expect(JSON.parse((await admin.lockstep(["user", "show", "jane", "--json"])).stdout).disabled).toBe(disabled);
      }
      const { session: janes } = await startSession(db, domain.sessions, admin.jane.id);
      await admin.lockstep(["user", "enable", "jane"]);
      expect(await domain.sessions.findLive(janes.id)).not.toBeNull();
      expect(await domain.sessions.findLive(bobs.id)).not.toBeNull();
    });
  });

  describe("set-password", () => {
    it("lists recently linked identities, and unlinks them if asked to [S87]", async () => {
      await using admin = await openWithJane();
      const { domain } = await admin.open();
      const identity = {
        issuer: "https://id.example",
        subject: "x",
        emailVerified: false,
        fullName: null,
        username: "x",
      };
      await domain.identities.link(admin.jane.id, "north", { ...identity, email: "eve@example.org" }, testSource);
      const listed = await admin.lockstep(["user", "set-password", "jane"], another);
      expect(listed.exitCode).toBe(0);
      expect(listed.stderr).toMatch(/linked in the last 30 days:\n {2}north +eve@example\.org +\d{4}-/);
      expect(listed.stderr).toContain("run this command again with --unlink-identities");
      const unlinked = await admin.lockstep(["user", "set-password", "jane", "--unlink-identities"], password);
      expect([unlinked.exitCode, unlinked.stderr]).toEqual([0, ""]);
      expect((await domain.identities.list(admin.jane.id)).identities).toEqual([]);
    });

    it("sets the password and ends every session", async () => {
      await using admin = await openWithJane();
      const { db, domain } = await admin.open();
      const { session } = await startSession(db, domain.sessions, admin.jane.id);
      expect(await admin.lockstep(["user", "set-password", "jane"], `${another}\r\n`)).toEqual({
        exitCode: 0,
        stdout: "jane has the new password, and every session and grant is revoked.\n",
        stderr: "",
      });
      expect(await domain.sessions.findLive(session.id)).toBeNull();
      await expect(domain.signIn.withPassword(typed("jane", password))).rejects.toMatchObject({
        code: "INVALID_CREDENTIALS",
      });
      await domain.signIn.withPassword(typed("jane", another));
      const json = await admin.lockstep(["user", "set-password", admin.jane.id, "--json"], password);
      expect(json.stderr).toBe("");
      expect(JSON.parse(json.stdout)).toEqual(admin.jane);
    });

    it("[S62] [S64] refuses short and guessable ones with the reason, and changes nothing", async () => {
      await using admin = await openWithJane();
      const { db, domain } = await admin.open();
      const { session } = await startSession(db, domain.sessions, admin.jane.id);
      for (const [refused, reason] of [
        ["short", "Use at least 15 characters"],
        ["password123456789", "This is easy to guess."],
        ["jane@example.com", "This is easy to guess."],
      ]) {
        const ran = await admin.lockstep(["user", "set-password", "jane"], refused);
        expect(ran).toEqual({ exitCode: 1, stdout: "", stderr: expect.stringContaining(reason ?? "") });
      }
      expect(await domain.sessions.findLive(session.id)).not.toBeNull();
      await domain.signIn.withPassword(typed("jane", password));
    });
  });

  describe("sign-out", () => {
    it("ends every session of this user only, who can sign in again", async () => {
      await using admin = await openWithJane();
      const { db, domain } = await admin.open();
      const bob = JSON.parse((await admin.lockstep(["user", "create", "bob", "--json"], password)).stdout);
      const { session: bobs } = await startSession(db, domain.sessions, bob.id);
      const janes = [
        await startSession(db, domain.sessions, admin.jane.id),
        await startSession(db, domain.sessions, admin.jane.id),
      ];
      expect(await admin.lockstep(["user", "sign-out", "jane"])).toEqual({
        exitCode: 0,
        stdout: "jane is signed out: 2 sessions have ended.\n",
        stderr: "",
      });
      for (const { session, refreshToken } of janes) {
        expect(await domain.sessions.findLive(session.id)).toBeNull();
        await expect(domain.sessions.refresh(refreshToken, testSource)).rejects.toMatchObject({
          details: { reason: "revoked" },
        });
      }
      expect(await domain.sessions.findLive(bobs.id)).not.toBeNull();

      await domain.signIn.withPassword(typed("jane", password));
      const again = await admin.lockstep(["user", "sign-out", "jane@example.com"]);
      expect(again.stdout).toBe("jane is signed out: 1 session has ended.\n");
      const json = await admin.lockstep(["user", "sign-out", admin.jane.id, "--json"]);
      expect({ exitCode: json.exitCode, user: JSON.parse(json.stdout) }).toEqual({ exitCode: 0, user: admin.jane });
    });
  });

  it("[S72] makes the owner set a new password, which no administrator sees, and ends every access", async () => {
    await using admin = await openWithJane();
    const { db, domain } = await admin.open();
    await startSession(db, domain.sessions, admin.jane.id);
    const refused = await admin.lockstep(["user", "require-reset", "jane"]);
    expect(refused).toEqual({
      exitCode: 1,
      stdout: "",
      stderr: expect.stringMatching(/^jane cannot recover the account: .* Nothing was changed\.\n$/),
    });
    expect(await domain.users.hasPassword(admin.jane.id)).toBe(true);

    await db.updateTable("users").set({ email_proof: "mail" }).where("id", "=", admin.jane.id).execute();
    expect(await admin.lockstep(["user", "require-reset", "jane"], "a password of the administrator's")).toEqual({
      exitCode: 0,
      stdout: "jane has no password now, and is asked by mail to set a new one.\n",
      stderr: "",
    });
    expect(await domain.users.hasPassword(admin.jane.id)).toBe(false);
    const live = await db.selectFrom("sessions").select("id").where("ended_at", "is", null).execute();
    expect(live).toEqual([]);
    const mails = await db.selectFrom("messages").select(["template", "user_id"]).execute();
    expect(mails).toContainEqual({ template: "password_reset_required", user_id: admin.jane.id });
    expect((await domain.audit.list({ userId: admin.jane.id, limit: 5 })).map(({ action }) => action)).toContain(
      "password.require_reset",
    );
  });

  it("is audited for every change", async () => {
    await using admin = await openWithJane();
    const { db, domain } = await admin.open();
    await startSession(db, domain.sessions, admin.jane.id);
    for (const name of ["disable", "enable", "set-password", "sign-out", "show"]) {
      await admin.lockstep(["user", name, "jane"], another);
    }
    // Refused: nothing was changed, and nothing is audited.
    await admin.lockstep(["user", "create", "JANE"], another);
    const trail = await domain.audit.list({ userId: admin.jane.id, limit: 20 });
    expect(trail.filter(({ source }) => source === testSource || source.userAgent === "lockstep command")).toHaveLength(
      5,
    );
    expect(trail.map(({ action }) => action).toSorted()).toEqual([
      "password.set",
      "session.revoke",
      "sign_in",
      "user.create",
      "user.disable",
      "user.enable",
    ]);
    expect(JSON.stringify(trail)).not.toContain(another);
  });

  it("never prints a password or a hash", async () => {
    await using admin = await openWithJane();
    const { domain } = await admin.open();
    const printed: string[] = [];
    for (const argv of [
      ["create", "bob"],
      ["create", "jane"],
      ["set-password", "jane"],
      ["show", "jane"],
      ["disable", "jane"],
      ["enable", "jane"],
      ["list"],
    ]) {
      for (const json of [[], ["--json"]]) {
        const { stdout, stderr } = await admin.lockstep(["user", ...argv, ...json], another);
        printed.push(stdout, stderr);
      }
    }
    const { passwordHash } = (await domain.users.findByLogin("jane")) ?? {};
    expect(passwordHash).toMatch(/^hmac-sha384:/);
    for (const secret of [password, another, passwordHash ?? "", "hmac-sha384", "$2b$"]) {
      expect(printed.join("")).not.toContain(secret);
    }
  });
});
