import { openSync, readdirSync, readFileSync, statSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { engines } from "../../test/engines.ts";
import type { DatabaseUrl } from "../db/database.ts";
import { seedJohn } from "../development.ts";
import { john, startTestServer } from "../testing.ts";
import { openAdmin } from "./testing.ts";

const [sqlite, postgres] = engines;

const fileOf = (url: string) => url.slice("file:".length);

/** A database with John, for commands. */
const openWithJohn = async (newDatabase = sqlite.newDatabase) => {
  const admin = await openAdmin(newDatabase);
  const { db, domain } = await admin.open();
  await seedJohn(domain);
  return Object.assign(admin, { db, domain });
};

describe("lockstep db copy", () => {
  it("moves a server's database to PostgreSQL, and everybody stays signed in", async () => {
    const [source, target] = [await sqlite.newDatabase(), await postgres.newDatabase()];
    const admin = await openAdmin(sqlite.newDatabase);
    const call = async (server: { url: string }, path: string, input: object) => {
      const headers = { "content-type": "application/json" };
      const answer = await fetch(`${server.url}/trpc/${path}`, {
        method: "POST",
        headers,
        body: JSON.stringify(input),
      });
      return (await answer.json()) as { result?: { data: { refreshToken: string; user: { username: string } } } };
    };
    let refreshToken = "";
    {
      await using server = await startTestServer({ databaseUrl: source.url });
      const signedIn = await call(server, "auth.login", { username: john.username, password: john.password });
      refreshToken = signedIn.result?.data.refreshToken ?? "";
    }
    const copy = ["db", "copy", "--from", source.url, "--to", target.url];
    const first = await admin.lockstep([...copy, "--more"]);
    expect(first).toMatchObject({ exitCode: 0, stderr: "" });
    expect(first.stdout).toMatch(/^users +1 +1 +0 +[0-9a-f]{16}$/m);
    await expect(startTestServer({ databaseUrl: target.url })).rejects.toThrow(/is not finished/);

    const { exitCode, stdout } = await admin.lockstep([...copy, "--json"]);
    expect(exitCode).toBe(0);
    const tables = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { table: string });
    expect(tables).toContainEqual({
      table: "sessions",
      rows: 1,
      written: 0,
      removed: 0,
      checksum: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    {
      await using server = await startTestServer({ databaseUrl: target.url });
      const refreshed = await call(server, "auth.refresh", { refreshToken });
      expect(refreshed.result?.data.user.username).toBe(john.username);
    }
    await admin[Symbol.asyncDispose]();
    await source.drop();
    await target.drop();
  });

  it("shows how far it is on a terminal, and removes that at the end", async () => {
    await using admin = await openWithJohn();
    const argv = ["db", "copy", "--from", admin.url, "--to", "file:copy.db"];
    const { exitCode, stderr } = await admin.lockstep(argv, "", {}, undefined, { terminal: true });
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/\r\[#*\.*\] \d+ % {2}users/);
    expect(stderr).toContain(`\r[${"#".repeat(30)}] 100 %  `);
    expect(stderr.endsWith("\r\u001b[K")).toBe(true);
  });

  it.each([
    [["--from", "file:missing.db", "--to", "file:copy.db"], 1, /^There is no database .*missing\.db\.\n$/],
    [["--from", "file:a.db", "--to", "file:./a.db"], 2, /same database/],
    [["--from", "mysql://db", "--to", "file:copy.db"], 2, /Give file: and a path, or a postgres:\/\//],
    [["--from", "file:a.db"], 2, /required option '--to/],
    [
      ["--from", "postgres://lockstep:a-password-of-tests@127.0.0.1:1/x", "--to", "file:copy.db"],
      1,
      /^PostgreSQL at postgres:\/\/lockstep:…@127\.0\.0\.1:1\/x does not answer/,
    ],
  ])("refuses %j, and creates nothing", async (argv, exitCode, message) => {
    await using admin = await openAdmin(sqlite.newDatabase);
    const before = readdirSync(admin.directory);
    expect(await admin.lockstep(["db", "copy", ...argv])).toEqual({
      exitCode,
      stdout: "",
      stderr: expect.stringMatching(message),
    });
    expect(readdirSync(admin.directory)).toEqual(before);
  });
});

describe("lockstep db backup", () => {
  it("[S97] writes a whole database while a server writes, readable by its owner only", async () => {
    await using admin = await openWithJohn();
    const written = await admin.lockstep(["db", "backup", "backup.db"]);
    const file = join(admin.directory, "backup.db");
    expect(written).toEqual({
      exitCode: 0,
      stdout: expect.stringMatching(/^Wrote .*backup\.db: 1 users, \d+ bytes\.\n$/),
      stderr: "",
    });
    await admin.db.deleteFrom("users").execute();
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(admin.directory).filter((name) => name.includes("backup"))).toEqual(["backup.db"]);
    const backup = new DatabaseSync(file, { readOnly: true });
    expect(backup.prepare("select username from users").all()).toEqual([{ username: john.username }]);
    backup.close();
  });

  it("leaves an existing file alone, and nothing when it fails", async () => {
    await using admin = await openWithJohn();
    const file = join(admin.directory, "backup.db");
    writeFileSync(file, "mine");
    const refused = await admin.lockstep(["db", "backup", "backup.db"]);
    expect(refused).toEqual({
      exitCode: 1,
      stdout: "",
      stderr: expect.stringContaining("exists. Choose another name"),
    });
    expect(readFileSync(file, "utf8")).toBe("mine");
    const { exitCode, stderr } = await admin.lockstep(["db", "backup", "missing/backup.db"]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringContaining("cannot be written") });
  });

  it("names PostgreSQL's own tools", async () => {
    await using admin = await openAdmin(postgres.newDatabase);
    expect((await admin.lockstep(["db", "backup", "backup.db"])).stderr).toContain("pg_dump");
    expect((await admin.lockstep(["db", "restore", "backup.db"])).stderr).toContain("pg_restore");
  });
});

describe("lockstep db restore", () => {
  const backedUp = async () => {
    const admin = await openWithJohn();
    await admin.lockstep(["db", "backup", "backup.db"]);
    return admin;
  };

  it("makes the backup the database, and keeps the previous one", async () => {
    await using admin = await backedUp();
    await admin.db.updateTable("users").set({ full_name: "Changed later" }).execute();
    await admin.db.destroy();
    const refused = await admin.lockstep(["db", "restore", "backup.db"]);
    expect(refused).toEqual({ exitCode: 1, stdout: "", stderr: expect.stringContaining("With --replace it is kept") });

    const restored = await admin.lockstep(["db", "restore", "backup.db", "--replace", "--json"]);
    expect(restored).toMatchObject({ exitCode: 0, stderr: "" });
    const { file, users, kept } = JSON.parse(restored.stdout) as { file: string; users: number; kept: string };
    expect({ file, users }).toEqual({ file: fileOf(admin.url), users: 1 });
    const nameIn = (path: string) => {
      const database = new DatabaseSync(path);
      const row = database.prepare("select full_name from users").get();
      database.close();
      return row?.["full_name"];
    };
    expect([nameIn(file), nameIn(kept)]).toEqual([john.fullName, "Changed later"]);
    for (const path of [file, kept]) expect(statSync(path).mode & 0o777).toBe(0o600);
    expect((await admin.lockstep(["user", "show", "john"])).exitCode).toBe(0);
  });

  it("creates a missing database", async () => {
    await using admin = await backedUp();
    const elsewhere = { DATABASE_URL: `file:${join(admin.directory, "new", "lockstep.db")}` };
    expect(await admin.lockstep(["db", "restore", "backup.db"], "", elsewhere)).toMatchObject({ exitCode: 0 });
    expect((await admin.lockstep(["user", "show", "john"], "", elsewhere)).exitCode).toBe(0);
  });

  it("is refused while a process uses the database", async () => {
    await using admin = await backedUp();
    await admin.db.selectFrom("users").select("id").execute();
    const refused = await admin.lockstep(["db", "restore", "backup.db", "--replace"]);
    expect(refused).toEqual({ exitCode: 1, stdout: "", stderr: expect.stringContaining("Stop the server first") });
    await admin.db.updateTable("users").set({ full_name: "Still in use" }).execute();
  });

  it.each([
    ["another file", () => "this is no database, but long enough to look like one".repeat(100)],
    ["nothing", () => ""],
  ])("refuses a backup that is %s, and changes nothing", async (_, content) => {
    await using admin = await backedUp();
    await admin.db.destroy();
    writeFileSync(join(admin.directory, "other.db"), content());
    const { exitCode, stderr } = await admin.lockstep(["db", "restore", "other.db", "--replace"]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringMatching(/^[^\n]+\n$/) });
    expect((await admin.lockstep(["user", "show", "john"])).exitCode).toBe(0);
  });

  it("refuses a damaged backup, and one of a newer version", async () => {
    await using admin = await backedUp();
    await admin.db.destroy();
    const file = join(admin.directory, "backup.db");
    const { size } = statSync(file);
    const newer = new DatabaseSync(file);
    newer.exec("update schema_version set version = version + 2");
    newer.close();
    const tooNew = await admin.lockstep(["db", "restore", "backup.db", "--replace"]);
    expect(tooNew).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("made by a newer version") });
    const older = new DatabaseSync(file);
    older.exec("update schema_version set version = version - 2");
    older.close();
    const opened = openSync(file, "r+");
    writeSync(opened, Buffer.alloc(Math.floor(size / 2), 7), 0, Math.floor(size / 2), Math.floor(size / 3));
    const damaged = await admin.lockstep(["db", "restore", "backup.db", "--replace"]);
    expect(damaged.exitCode).toBe(1);
    expect((await admin.lockstep(["user", "show", "john"])).exitCode).toBe(0);
  });
});

describe.each(engines)("lockstep db check on $engine", ({ newDatabase }) => {
  it("finds nothing wrong with a database that a server has used", async () => {
    await using admin = await openWithJohn(newDatabase);
    await using server = await startTestServer({ databaseUrl: admin.url as DatabaseUrl });
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ username: john.username, password: john.password });
    await fetch(`${server.url}/trpc/auth.login`, { method: "POST", headers, body });
    expect(await admin.lockstep(["db", "check"])).toEqual({ exitCode: 0, stdout: "Nothing is wrong.\n", stderr: "" });
  });

  it("names each kind of rows that were written past the server", async () => {
    await using admin = await openWithJohn(newDatabase);
    const { db, domain } = admin;
    const jane = { email: null, fullName: "Jane Roe", role: "user", passwordHash: null } as const;
    await domain.users.create({ username: "jane", ...jane });
    await domain.users.create({ username: "joe", ...jane });
    const john = await domain.users.findByLogin("john");
    await sql`update users set username = 'Jane', role = 'king', email_proof = 'mail' where username = 'jane'`.execute(
      db,
    );
    await sql`update users set email = 'Joe@example.com', disabled = 1 where username = 'joe'`.execute(db);
    await sql`update users set username = 'john@example.com' where username = 'Jane'`.execute(db);
    await sql`update users set username = 'JOE' where username = 'joe'`.execute(db);
    await sql`
      insert into sessions (id, user_id, created_at, authenticated_at, last_seen_at, idle_expires_at, expires_at, ended_at,
        seed, generation, replaced)
      select 'bad', id, 10, 10, 10, 5, 5, null, 'x', 0, '[]' from users where username = 'JOE'`.execute(db);
    await sql`
      insert into sessions (id, user_id, created_at, authenticated_at, last_seen_at, idle_expires_at, expires_at, ended_at,
        seed, generation, replaced)
      values ('ended', ${john?.user.id}, 1, 1, 1, 5, 5, 7, 'x', 0, '[]')`.execute(db);
    await sql`
      insert into oauth_records (id, kind, payload, grant_id, expires_at)
      values ('lost', 'RefreshToken', '{}', 'none', 5)`.execute(db);
    const { exitCode, stdout, stderr } = await admin.lockstep(["db", "check", "--json"]);
    const findings = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { check: string; examples: string[] });
    expect(findings.map(({ check }) => check)).toEqual([
      "usernames",
      "addresses",
      "names-of-others",
      "verified-addresses",
      "roles",
      "ended-sessions",
      "session-times",
      "disabled-users",
      "records-of-grants",
    ]);
    expect(findings.find(({ check }) => check === "disabled-users")?.examples).toEqual(["bad"]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: "9 problems were found.\n" });
    const text = await admin.lockstep(["db", "check"]);
    expect(text.stdout).toMatch(/^session-times: Sessions expire before they began\. Rows: 1, such as bad\.\n {2}\S/m);
  });
});

describe("lockstep db check on SQLite", () => {
  it("finds rows that refer to nothing, as its command line writes them", async () => {
    await using admin = await openWithJohn();
    const database = new DatabaseSync(fileOf(admin.url), { enableForeignKeyConstraints: false });
    database.exec(`
      insert into identities (id, user_id, issuer, subject, provider, linked_at)
      values ('i', 'nobody', 'https://id.example', '1', 'example', 1)`);
    database.close();
    const { exitCode, stdout } = await admin.lockstep(["db", "check"]);
    expect(exitCode).toBe(1);
    expect(stdout).toContain("references: Rows of identities refer to rows of users that do not exist. Rows: 1.");
  });
});
