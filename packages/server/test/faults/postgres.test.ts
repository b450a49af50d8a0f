// What callers get while PostgreSQL is unavailable, and that the server recovers automatically.

import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { shownBy, signedInBrowser } from "../../src/authorization-server/testing.ts";
import { type DatabaseUrl, openDatabase } from "../../src/db/database.ts";
import { startTestServer, type TestServer } from "../../src/testing.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import { canMountDisk, mountDisk } from "./disk.ts";

/** Shorter than a server's, so that tests wait less. */
const databaseLimitMs = 1500;

let cluster: Cluster;
let server: TestServer;
let token: string;
/** Submits a device's code from its page. */
let enterCode: () => Promise<Response>;

/** The origin of a page, to check what it can read of the answers. */
const origin = "https://photos.example";
const post = (path: string, body: string, type = "application/json") =>
  fetch(server.url + path, { method: "POST", headers: { "content-type": type, origin }, body });
const form = (path: string, fields: Record<string, string>) =>
  post(path, new URLSearchParams(fields).toString(), "application/x-www-form-urlencoded");
const signedIn = () => ({ headers: { authorization: `Bearer ${token}` } });
const credentials = { username: "john", password: "secret" };

const signInAt = (url: string) =>
  fetch(`${url}/trpc/auth.login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(credentials),
  });

/** Every kind of request, each of which reads or writes the database. */
const calls: Record<string, () => Promise<Response>> = {
  "an RPC query": () => fetch(`${server.url}/trpc/user.me`, signedIn()),
  "an RPC mutation": () => post("/trpc/auth.login", JSON.stringify(credentials)),
  "a batch": () => fetch(`${server.url}/trpc/user.me,session.list?batch=1`, signedIn()),
  REST: () => fetch(`${server.url}/users/me`, signedIn()),
  "/userinfo": () => fetch(`${server.url}/userinfo`, signedIn()),
  // Pages of other origins get no answer here.
  "/token for first-party clients": () =>
    fetch(`${server.url}/token`, { method: "POST", body: new URLSearchParams(credentials) }),
  "/token for a client": () =>
    form("/token", { grant_type: "client_credentials", client_id: "some-client", client_secret: "x" }),
  "/authorize": () =>
    fetch(`${server.url}/authorize?client_id=some-client&response_type=code&redirect_uri=https://a.example/&state=s`, {
      redirect: "manual",
      headers: { accept: "text/html" },
    }),
  "/par": () => form("/par", { client_id: "some-client", client_secret: "x", response_type: "code" }),
  "/introspect": () => form("/introspect", { client_id: "some-client", client_secret: "x", token: "t" }),
  "/revoke": () => form("/revoke", { client_id: "some-client", client_secret: "x", token: "t" }),
  "/logout": () => fetch(`${server.url}/logout?client_id=some-client`, { redirect: "manual" }),
  "/device": () => enterCode(),
  "/device/authorize": () => form("/device/authorize", { client_id: "some-client" }),
};

/** In tRPC, a stream begins before its call: the refusal is its first and last event. */
const expectStreamOutage = async () => {
  const headers = { ...signedIn().headers, accept: "text/event-stream" };
  const response = await fetch(`${server.url}/trpc/session.events`, { headers });
  const text = await response.text();
  expect(text).toContain("event: serialized-error");
  expect(text).toMatch(/"code":"UNAVAILABLE".*"retryAfterSeconds":2.*"httpStatus":503/);
};

const openToPages = new Set([
  "REST",
  "/userinfo",
  "/token for first-party clients",
  "/token for a client",
  "/par",
  "/introspect",
  "/revoke",
  "/device/authorize",
]);

const expectOutage = async (name: string, response: Response) => {
  const text = await response.text();
  expect({ name, status: response.status, text }).toEqual({ name, status: 503, text });
  expect({ name, wait: response.headers.get("retry-after") }).toEqual({ name, wait: "2" });
  expect({ name, location: response.headers.get("location") }).toEqual({ name, location: null });
  expect(text).toMatch(/UNAVAILABLE|temporarily_unavailable/);
  const allowed = response.headers.get("access-control-allow-origin");
  expect({ name, isOpen: allowed === "*" || allowed === origin }).toEqual({ name, isOpen: openToPages.has(name) });
};

const readinessOf = async (url: string) => {
  const response = await fetch(`${url}/readyz`);
  return [response.status, ((await response.json()) as { reason?: string }).reason];
};
const readiness = () => readinessOf(server.url);

/** Expects that it serves again without a restart. The first call may still fail because of the fault. */
const expectRecovery = async () => {
  await expect.poll(() => readiness()).toEqual([200, undefined]);
  expect((await fetch(`${server.url}/trpc/user.me`, signedIn())).status).toBe(200);
  expect((await post("/trpc/auth.login", JSON.stringify(credentials))).status).toBe(200);
};

beforeAll(async () => {
  cluster = await startCluster();
  server = await startTestServer({ databaseUrl: cluster.url, world: { databaseLimitMs } });
  const login = await post("/trpc/auth.login", JSON.stringify(credentials));
  token = ((await login.json()) as { result: { data: { accessToken: string } } }).result.data.accessToken;
  const browser = await signedInBrowser(server);
  const page = await shownBy(await browser.go("/device"));
  if (page?.page !== "device_code") throw new Error("/device does not ask for a code");
  const body = new URLSearchParams({ xsrf: page.token, user_code: "BCDF-GHJK" });
  enterCode = () => browser.go(page.action, { method: "POST", body });
});

afterAll(async () => {
  await server.close();
  await cluster[Symbol.asyncDispose]();
});

describe("[S118] while PostgreSQL", () => {
  it("is stopped, every call is answered 503, and served again once it runs on the same port", async () => {
    await cluster.stop();
    try {
      for (const [name, call] of Object.entries(calls)) await expectOutage(name, await call());
      await expectStreamOutage();
      // Keys that are known are served from memory.
      expect((await fetch(`${server.url}/jwks`)).status).toBe(200);
      expect(await readiness()).toEqual([503, "the database does not answer"]);
    } finally {
      await cluster.start();
    }
    await expectRecovery();
  });

  it("is frozen, every call is answered 503 within the limit, and served again once it continues", async () => {
    await cluster.freeze();
    try {
      const answers = Object.entries(calls).map(async ([name, call]) => expectOutage(name, await call()));
      expect(await readiness()).toEqual([503, "the database does not answer"]);
      await Promise.all([...answers, expectStreamOutage()]);
    } finally {
      cluster.thaw();
    }
    await expectRecovery();
  });

  it("is frozen, a server with the real limit answers within 5 s, and `/readyz` earlier", async () => {
    await using real = await startTestServer({ databaseUrl: cluster.url });
    await cluster.freeze();
    try {
      const call = fetch(`${real.url}/users/me`, { ...signedIn(), signal: AbortSignal.timeout(5000) });
      const look = fetch(`${real.url}/readyz`);
      const first = await Promise.race([look, call]);
      expect([new URL(first.url).pathname, first.status]).toEqual(["/readyz", 503]);
      await expectOutage("REST", await call);
    } finally {
      cluster.thaw();
    }
    await expectRecovery();
  });

  it("is read-only, reads are served, writes are answered 503, and readiness says so", async () => {
    await cluster.administer("alter system set default_transaction_read_only = on");
    await cluster.administer("select pg_reload_conf()");
    await cluster.cut();
    await expect.poll(readiness).toEqual([503, "the database is read-only"]);
    expect((await fetch(`${server.url}/trpc/user.me`, signedIn())).status).toBe(200);
    const write = calls["an RPC mutation"];
    if (write) await expectOutage("a write", await write());
    const admin = await cluster.connect();
    await admin.query("set default_transaction_read_only = off");
    await admin.query("alter system reset default_transaction_read_only");
    await admin.end();
    await cluster.administer("select pg_reload_conf()");
    await expectRecovery();
  });

  it("has its tables locked, calls are answered 503, and no statement keeps waiting", async () => {
    const locker = await cluster.connect();
    await locker.query("begin; lock table users, sessions in access exclusive mode");
    const { "an RPC query": query, "an RPC mutation": mutation } = calls;
    if (query) await expectOutage("a query", await query());
    if (mutation) await expectOutage("a mutation", await mutation());
    expect(await readiness()).toEqual([503, "the database is locked"]);
    // Without cancelling, an abandoned statement would wait for the lock, and then take effect.
    const forgotten = () =>
      cluster.administer(
        `select query from pg_stat_activity where wait_event_type = 'Lock' and query_start < now() - interval '${2 * databaseLimitMs} ms'`,
      );
    await expect.poll(forgotten).toEqual([]);
    await locker.query("rollback");
    await locker.end();
    await expectRecovery();
  });

  it("has no connection left for a running server, calls are answered 503 until there is one", async () => {
    // The cluster's own role is a superuser, which may exceed the limit.
    await cluster.administer("create role few login password 'few'");
    await cluster.administer("create database few owner few");
    const databaseUrl = cluster.url.replace("lockstep:lockstep", "few:few").replace(/postgres$/, "few") as DatabaseUrl;
    await using limited = await startTestServer({ databaseUrl, world: { databaseLimitMs } });
    const signIn = () => signInAt(limited.url);
    const readiness = () => readinessOf(limited.url);
    await cluster.administer("alter role few connection limit 0");
    await cluster.administer("select pg_terminate_backend(pid, 10000) from pg_stat_activity where usename = 'few'");
    await expectOutage("a mutation", await signIn());
    expect(await readiness()).toEqual([503, "the database has no connection left"]);
    await expect(openDatabase(databaseUrl)).rejects.toThrow("too many connections");
    await cluster.administer("alter role few connection limit -1");
    await expect.poll(readiness).toEqual([200, undefined]);
    expect((await signIn()).status).toBe(200);
  });

  if (canMountDisk) {
    it("has a full disk, reads are served, and writes are answered 503 until there is room", async () => {
      // PostgreSQL's own files are elsewhere: without space for its log it would stop, which other tests cover.
      using disk = mountDisk(24 * 2 ** 20);
      const [setting] = await cluster.administer<{ data_directory: string }>("show data_directory");
      disk.giveToOwnerOf(String(setting?.data_directory));
      await cluster.administer(`create tablespace small location '${disk.folder}'`);
      await cluster.administer("create database small tablespace small");
      {
        const databaseUrl = cluster.url.replace(/postgres$/, "small") as DatabaseUrl;
        await using full = await startTestServer({ databaseUrl, world: { databaseLimitMs } });
        const signIn = () => signInAt(full.url);
        const { result } = (await (await signIn()).json()) as { result: { data: { accessToken: string } } };
        const read = () =>
          fetch(`${full.url}/users/me`, { headers: { authorization: `Bearer ${result.data.accessToken}` } });
        disk.fill();
        expect(await readinessOf(full.url)).toEqual([503, "the database's disk is full"]);
        // First use up the free space in the tables' last pages.
        let write = await signIn();
        for (let n = 0; n < 200 && write.status === 200; n++) write = await signIn();
        await expectOutage("a write", write);
        expect((await read()).status).toBe(200);
        disk.makeRoom();
        expect(await readinessOf(full.url)).toEqual([200, undefined]);
        expect((await signIn()).status).toBe(200);
      }
      await cluster.administer("drop database small with (force)");
      await cluster.administer("drop tablespace small");
    });
  }

  it("stops statements that take too long, calls are answered 503", async () => {
    await cluster.administer("alter system set statement_timeout = 100");
    await cluster.administer("select pg_reload_conf()");
    const locker = await cluster.connect();
    try {
      await locker.query("begin; lock table users, sessions in access exclusive mode");
      const { "an RPC query": query } = calls;
      if (query) await expectOutage("a query", await query());
    } finally {
      await locker.query("rollback");
      await locker.query("alter system reset statement_timeout");
      await locker.query("select pg_reload_conf()");
      await locker.end();
    }
    await expectRecovery();
  });
});

describe("[S118] after a failover to a replica on the same port", () => {
  it("reads are served, writes are answered 503 until it is promoted, and nothing acknowledged is lost", async () => {
    await cluster.replicate();
    await expectRecovery();
    const before = await signInAt(server.url);
    const { result } = (await before.json()) as { result: { data: { accessToken: string; refreshToken: string } } };
    await cluster.failOver();
    const reads = () =>
      fetch(`${server.url}/users/me`, { headers: { authorization: `Bearer ${result.data.accessToken}` } });
    await expect.poll(async () => (await reads()).status).toBe(200);
    expect(await readiness()).toEqual([503, "the database is read-only"]);
    await expectOutage("a write", await signInAt(server.url));
    await cluster.promote();
    await expectRecovery();
    const refreshed = await post("/trpc/auth.refresh", JSON.stringify({ refreshToken: result.data.refreshToken }));
    expect(refreshed.status).toBe(200);
    // Connections are new, without prepared statements.
    for (const [name, call] of Object.entries(calls))
      expect({ name, status: (await call()).status }).not.toEqual({ name, status: 503 });
  });
});

it("[S119] a transaction whose connection is cut stores nothing, and its caller gets an error", async () => {
  await using db = await openDatabase(cluster.url, { poolSize: 1, limitMs: databaseLimitMs });
  await sql`create table if not exists halves (n int)`.execute(db);
  const cutMidway = db.transaction().execute(async (transaction) => {
    await sql`insert into halves values (1)`.execute(transaction);
    await cluster.cut();
    await sql`insert into halves values (2)`.execute(transaction);
  });
  await expect(cutMidway).rejects.toThrow(expect.objectContaining({ name: "DatabaseUnavailableError" }));
  const { rows } = await sql`select * from halves`.execute(db);
  expect(rows).toEqual([]);
});
