import { chmod, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { RegisterClientInput } from "@lockstep/kit";
import { sql } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { appendForwardedFor, startChangingProxy } from "../../test/changing-proxy.ts";
import { engines } from "../../test/engines.ts";
import { smtpError, startMailServer } from "../../test/mail-server.ts";
import { misbehavingClient, startMisbehavingProvider } from "../../test/misbehaving-provider.ts";
import { checkNames } from "../doctor/check.ts";
import { john, startTestServer, testConfig, testSource, testWorld } from "../testing.ts";
import { openMigratedAdmin } from "./testing.ts";

const day = 24 * 60 * 60 * 1000;
const other = "another secret of tests, of thirty-two characters";
const pepper = "t0NqWc2mZ8vK5rJxE1yLbGhU7pDfAsQo";
const noSuchName = Object.assign(new Error("no such name"), { code: "ENOTFOUND" });

/** Everything that the doctor looks at, with nothing wrong. */
const openHealthy = async (newDatabase: (typeof engines)[number]["newDatabase"]) => {
  let databaseTime: number | null = null;
  const world = {
    ...testWorld(Date.now),
    databaseTime: async () => databaseTime,
    outbound: {
      ...testWorld(Date.now).outbound,
      lookup: ((name: string, options: object, answer: (...result: unknown[]) => void) => {
        if (name === "gone.example") answer(noSuchName);
        else testWorld(Date.now).outbound.lookup(name, options, answer as never);
      }) as never,
    },
  };
  const stack = new AsyncDisposableStack();
  const admin = stack.use(await openMigratedAdmin(newDatabase, world));
  const proxy = stack.use(await startChangingProxy());
  const provider = stack.use(await startMisbehavingProvider());
  const mail = stack.use(
    await startMailServer({
      authOptional: false,
      allowInsecureAuth: true,
      disabledCommands: ["STARTTLS"],
      onAuth: ({ password }, _session, answer) =>
        password === "right" ? answer(null, { user: "jane" }) : answer(smtpError(535, "Wrong password")),
    }),
  );
  const server = stack.use(
    await startTestServer({
      databaseUrl: admin.url,
      config: { publicUrl: proxy.url, trustProxy: ["127.0.0.1", "::1"] },
    }),
  );
  proxy.forwardTo(server.url);
  const providers = { acme: { issuer: provider.issuer, ...misbehavingClient, allowPrivateAddresses: true } };
  Object.assign(admin.env, {
    PUBLIC_URL: proxy.url,
    TRUST_PROXY: "127.0.0.1,::1",
    PROVIDERS: JSON.stringify(providers),
    MAIL_URL: `smtp://jane:right@localhost:${mail.mailServer.port}`,
    PEPPER: pepper,
  });
  return {
    admin,
    proxy,
    provider,
    providers,
    mail,
    server,
    /** Makes everything as it was, but for the database. */
    reset() {
      databaseTime = null;
      proxy.behave({ request: appendForwardedFor });
      proxy.forwardTo(server.url);
    },
    setDatabaseTime(time: number) {
      databaseTime = time;
    },
    /** The result of each check. */
    async examine(settings: Record<string, string> = {}, args: readonly string[] = []) {
      const { exitCode, stdout, stderr } = await admin.lockstep(["doctor", "--json", ...args], "", settings);
      const results = stdout
        .split("\n")
        .filter(Boolean)
        .map((line): Record<string, string> => JSON.parse(line));
      return {
        exitCode,
        stderr,
        states: Object.fromEntries(results.map(({ check, state }) => [check, state])),
        problems: results.filter(({ state }) => state === "problem"),
        text: stdout + stderr,
      };
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
};

type Healthy = Awaited<ReturnType<typeof openHealthy>>;

/** Production at an address that does not exist here. */
const production = {
  NODE_ENV: "production",
  PUBLIC_URL: "https://api.example.com",
  MAIL_FROM: "no-reply@example.com",
  BCRYPT_COST: "12",
};

describe.each(engines)("lockstep doctor on $engine", ({ engine, newDatabase }) => {
  let healthy: Healthy;
  beforeAll(async () => {
    healthy = await openHealthy(newDatabase);
  });
  afterAll(() => healthy[Symbol.asyncDispose]());
  beforeEach(() => healthy.reset());

  /** Expects this one problem, and returns it. */
  const expectOnly = async (check: string, ...[settings, args]: Parameters<Healthy["examine"]>) => {
    const { exitCode, stderr, problems } = await healthy.examine(settings, args);
    expect(problems).toEqual([{ check, state: "problem", problem: expect.any(String), advice: expect.any(String) }]);
    expect([exitCode, stderr]).toEqual([1, "1 problem was found.\n"]);
    return problems[0] as Record<string, string>;
  };

  it("finds nothing wrong, checks everything, and prints no secret", async () => {
    const { exitCode, states, problems, text } = await healthy.examine();
    expect(problems).toEqual([]);
    expect(states).toEqual(Object.fromEntries(checkNames.map((name) => [name, "ok"])));
    expect(exitCode).toBe(0);
    for (const secret of ["right", misbehavingClient.clientSecret, testConfig("file:x").secret, pepper])
      expect(text).not.toContain(secret);
  });

  it("prints lines for people, with what to do below each problem", async () => {
    const { exitCode, stdout, stderr } = await healthy.admin.lockstep(["doctor", "--skip", "mail"], "", {
      PEPPER: testConfig("file:x").secret,
    });
    expect(stdout).toMatch(/^ok {7}settings {4}development, http:\/\/localhost:\d+$/m);
    expect(stdout).toMatch(/^skipped {2}mail {8}it was left out$/m);
    expect(stdout).toMatch(
      /^problem {2}secrets {5}SECRET and PEPPER have the same value.*\n {21}Generate another PEPPER/m,
    );
    expect([exitCode, stderr]).toEqual([1, "1 problem was found.\n"]);
    const fine = await healthy.admin.lockstep(["doctor"]);
    expect(fine.stdout.endsWith("\nNothing is wrong.\n")).toBe(true);
    expect((await healthy.admin.lockstep(["doctor", "--skip", "weather"])).exitCode).toBe(2);
  });

  it("runs the other checks without the ones that are left out", async () => {
    const { exitCode, states } = await healthy.examine({}, ["--skip", "database", "schema", "keys"]);
    const left = Object.entries(states).filter(([, state]) => state !== "ok");
    expect(left).toEqual(["database", "schema", "keys"].map((check) => [check, "skipped"]));
    expect(exitCode).toBe(0);
  });

  it("names invalid settings, one by one, and skips the rest", async () => {
    const { exitCode, problems, states } = await healthy.examine({ PORT: "no", MAIL: "no" });
    expect(problems.map(({ problem }) => problem)).toEqual([
      "PORT: must be a port number.",
      "MAIL: must be on or off.",
    ]);
    expect(Object.values(states).slice(1)).toEqual(checkNames.slice(1).map(() => "skipped"));
    expect(exitCode).toBe(1);
  });

  it("finds development in public", async () => {
    const { problem } = await expectOnly("settings", { PUBLIC_URL: "https://api.example.com" }, [
      "--skip",
      "public-url",
    ]);
    expect(problem).toContain("everybody can sign in there as john");
  });

  it("finds secrets with two uses, and ones that were not changed", async () => {
    const { secret } = testConfig("file:x");
    await expectOnly("secrets", { METRICS_TOKEN: secret });
    await expectOnly("secrets", { PEPPER: pepper, PEPPER_PREVIOUS: pepper });
  });

  it("finds files that others can read, and a folder in which they can replace the database", async () => {
    const file = join(healthy.admin.directory, "providers.json");
    await writeFile(file, JSON.stringify(healthy.providers), { mode: 0o600 });
    expect((await healthy.examine({ PROVIDERS: "providers.json" })).problems).toEqual([]);
    await chmod(file, 0o604);
    expect((await expectOnly("files", { PROVIDERS: "providers.json" })).problem).toContain(`${file} (mode 604)`);
    if (engine === "PostgreSQL") return;
    const database = healthy.admin.url.slice("file:".length);
    await chmod(dirname(database), 0o777);
    expect((await expectOnly("files")).problem).toContain("replace the database");
    await chmod(dirname(database), 0o700);
    await chmod(database, 0o640);
    expect((await expectOnly("files")).problem).toContain("(mode 640)");
  });

  it("finds a database that is not there", async () => {
    const url = engine === "SQLite" ? "file:missing.db" : "postgres://localhost:1/nothing";
    const { problem } = await expectOnly("database", { DATABASE_URL: url });
    expect(problem).toMatch(engine === "SQLite" ? /^There is no database .*missing\.db\.$/ : /does not answer/);
  });

  it("finds a schema of another version", async () => {
    const { db } = healthy.server;
    const last = await sql<{ name: string; timestamp: string }>`
      delete from kysely_migration where name = '0016-news' returning name, timestamp`.execute(db);
    expect((await expectOnly("schema")).problem).toBe("The database is not migrated to this version.");
    for (const { name, timestamp } of last.rows)
      await sql`insert into kysely_migration (name, timestamp) values (${name}, ${timestamp})`.execute(db);
    await sql`insert into kysely_migration (name, timestamp) values ('0999-later', '')`.execute(db);
    expect((await expectOnly("schema")).problem).toContain("newer version of Lockstep");
    await sql`delete from kysely_migration where name = '0999-later'`.execute(db);
  });

  if (engine === "PostgreSQL") {
    it("finds a database that takes no writes, and too few connections", async () => {
      const name = new URL(healthy.admin.url).pathname.slice(1);
      await sql`alter database ${sql.id(name)} set default_transaction_read_only = on`.execute(healthy.server.db);
      try {
        expect((await expectOnly("database")).problem).toContain("the database is read-only");
      } finally {
        await sql`alter database ${sql.id(name)} reset default_transaction_read_only`.execute(healthy.server.db);
      }
      expect((await expectOnly("database", { DATABASE_POOL: "1000" })).problem).toContain("may open 1001 connections");
    });

    it("finds a clock that is not the database's", async () => {
      healthy.setDatabaseTime(Date.now() + 60_000);
      expect((await expectOnly("clock")).problem).toMatch(/clock is (59\.\d|60\.0) s behind the database's/);
    });

    it("finds that notifications of this database do not arrive", async () => {
      const elsewhere = healthy.admin.url.replace(/[^/]*$/, "postgres");
      expect((await expectOnly("news", { DATABASE_LISTEN_URL: elsewhere })).problem).toContain(
        "it is of another database",
      );
      const closed = await expectOnly("news", { DATABASE_LISTEN_URL: "postgres://localhost:1/nothing" });
      expect(closed.problem).toContain("do not arrive at DATABASE_LISTEN_URL");
    });
  }

  it("finds keys of another SECRET, and keys that no server replaced", async () => {
    expect((await expectOnly("keys", { SECRET: other })).problem).toMatch(/^\d of \d signing keys were encrypted/);
    const { db } = healthy.server;
    const { created_at } = await db.selectFrom("signing_keys").select("created_at").executeTakeFirstOrThrow();
    await db
      .updateTable("signing_keys")
      .set({ created_at: created_at - 92 * day })
      .execute();
    expect((await expectOnly("keys")).problem).toContain("The newest ES256 key is 92 days old.");
    await db.updateTable("signing_keys").set({ created_at }).execute();
  });

  it("finds passwords of another PEPPER, and the tutorial's in production", async () => {
    const { db } = healthy.server;
    const { password_hash } = await db.selectFrom("users").select("password_hash").executeTakeFirstOrThrow();
    const peppered = password_hash?.replace(":none:", ":0123456789abcdef:") ?? "";
    await db.updateTable("users").set({ password_hash: peppered }).execute();
    expect((await expectOnly("passwords")).problem).toMatch(
      /^1 user has a password that was hashed with another PEPPER/,
    );
    await db.updateTable("users").set({ password_hash }).execute();
    const { problem } = await expectOnly("passwords", production, ["--skip", "public-url"]);
    expect(problem).toBe(`The user ${john.username} has the password of the tutorial, which everybody knows.`);
  });

  it("finds clients whose codes go to nobody's address, or to the person's machine", async () => {
    const { clients } = healthy.server.domain;
    const register = (redirectUri: string) =>
      clients.register(
        RegisterClientInput.parse({ name: "Photos", kind: "web", redirectUris: [redirectUri], scopes: [] }),
        "operator",
        testSource,
      );
    const gone = await register("https://gone.example/callback");
    expect((await expectOnly("clients")).problem).toContain("gone.example does not exist: whoever registers it");
    await clients.delete(gone.client.id, "operator", testSource);
    const local = await register("http://localhost:8080/callback");
    expect((await healthy.examine()).problems).toEqual([]);
    const { problems } = await healthy.examine(production, ["--skip", "public-url", "passwords"]);
    expect(problems.map(({ check, problem }) => [check, problem?.includes("http://localhost:8080")])).toEqual([
      ["clients", true],
    ]);
    await clients.delete(local.client.id, "operator", testSource);
  });

  it("finds a mail server that refuses the login, and one that is not there", async () => {
    const { port } = healthy.mail.mailServer;
    const wrong = await expectOnly("mail", { MAIL_URL: `smtp://jane:wrong@localhost:${port}` });
    expect(wrong.problem).toContain("535");
    await expectOnly("mail", { MAIL_URL: "smtp://localhost:1" });
  });

  it("finds an identity provider that cannot be used", async () => {
    const wrong = { acme: { ...healthy.providers.acme, issuer: `${healthy.provider.issuer}/` } };
    expect((await expectOnly("providers", { PROVIDERS: JSON.stringify(wrong) })).problem).toContain(
      "acme cannot be used",
    );
  });

  it("finds that nobody, somebody else, or a server with other settings answers at PUBLIC_URL", async () => {
    const { proxy, admin } = healthy;
    expect((await expectOnly("public-url", { PUBLIC_URL: "http://localhost:1" })).problem).toContain(
      "cannot be reached",
    );
    proxy.behave({ instead: () => ({ status: 200, body: "<h1>Welcome</h1>" }) });
    expect((await expectOnly("public-url")).problem).toContain("is not this server");
    proxy.behave({ instead: (path) => (path.startsWith("/healthz") ? { status: 403, body: "" } : null) });
    expect((await expectOnly("public-url")).problem).toContain("/healthz/request answered 403");
    const metadata = JSON.stringify({ issuer: proxy.url });
    for (const body of ["null", "[]", "{}", '{"keys":{},"setCookie":[]}', "[".repeat(100_000)]) {
      const instead = (path: string) => ({ status: 200, body: path.startsWith("/.well-known") ? metadata : body });
      proxy.behave({ instead });
      await expectOnly("public-url");
      proxy.behave({ instead: (path) => (path === "/healthz/request" ? { status: 200, body } : null) });
      await expectOnly("public-url");
    }
    proxy.behave({ instead: () => ({ status: 200, body: "x".repeat(1_000_000) }) });
    expect((await expectOnly("public-url")).problem).toContain("more than the size limit");
    proxy.behave({});
    await using another = await startTestServer({ config: { publicUrl: proxy.url } });
    proxy.forwardTo(another.url);
    expect((await expectOnly("public-url")).problem).toContain("signs with keys that are not in this database");
    await using renamed = await startTestServer({ config: { publicUrl: "http://localhost:3999" } });
    proxy.forwardTo(renamed.url);
    expect((await expectOnly("public-url")).problem).toBe(
      `The server at ${admin.env["PUBLIC_URL"]} issues tokens as http://localhost:3999.`,
    );
  });

  it("finds proxies that do not name callers, or are not trusted, and callers who choose their address", async () => {
    const { proxy, admin } = healthy;
    proxy.behave({});
    expect((await expectOnly("proxy")).problem).toContain("without X-Forwarded-For");
    const startWith = (trustProxy: boolean) =>
      startTestServer({ databaseUrl: admin.url, config: { publicUrl: proxy.url, trustProxy } });
    proxy.behave({ request: appendForwardedFor });
    await using distrustful = await startWith(false);
    proxy.forwardTo(distrustful.url);
    expect((await expectOnly("proxy", { TRUST_PROXY: "off" })).problem).toContain("all callers count as one");
    await using credulous = await startWith(true);
    proxy.forwardTo(credulous.url);
    const { problem, advice } = await expectOnly("proxy", { TRUST_PROXY: "on" });
    expect(problem).toContain("Callers can choose the address");
    expect(advice).toContain("such as 127.0.0.1");
    // A proxy that replaces the header protects a server that trusts everybody.
    proxy.behave({
      request(headers, from) {
        headers["x-forwarded-for"] = from;
      },
    });
    expect((await healthy.examine({ TRUST_PROXY: "on" })).problems).toEqual([]);
  });

  it("finds proxies that change cookies, or headers of browsers", async () => {
    const { proxy } = healthy;
    proxy.behave({
      request: appendForwardedFor,
      answer(headers) {
        headers["set-cookie"] = [headers["set-cookie"] ?? []]
          .flat()
          .map((line) => String(line).replace("Strict", "None"));
      },
    });
    expect((await expectOnly("cookies")).problem).toContain("SameSite=None");
    for (const header of ["cookie", "origin", "sec-fetch-site"]) {
      proxy.behave({
        request(headers, from) {
          appendForwardedFor(headers, from);
          delete headers[header];
        },
      });
      await expectOnly("cookies");
    }
    proxy.behave({
      request: appendForwardedFor,
      answer(headers) {
        delete headers["set-cookie"];
      },
    });
    const { problems } = await healthy.examine();
    expect(problems.map(({ check, problem }) => [check, problem])).toEqual([
      ["cookies", "A proxy removes Set-Cookie from answers: nobody stays signed in."],
    ]);
  });

  it("changes nothing", async () => {
    const { db } = healthy.server;
    const count = async () => {
      const names = (await db.introspection.getTables()).map(({ name }) => name);
      const counts = names.map(async (name) => {
        const { rows } = await sql<{ rows: number }>`select count(*) as rows from ${sql.table(name)}`.execute(db);
        return [name, Number(rows[0]?.rows)];
      });
      return Object.fromEntries(await Promise.all(counts));
    };
    const before = await count();
    await healthy.examine();
    expect(await count()).toEqual(before);
  });
});
