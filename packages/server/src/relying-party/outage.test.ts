// The database is unavailable while a user returns from an identity provider: nothing is stored in part, and they can
// try again.

import { sql } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openBrowser } from "../../test/browser-trip.ts";
import { callsTo } from "../../test/calls.ts";
import { engines, type NewDatabase } from "../../test/engines.ts";
import { misbehavingClient, startMisbehavingProvider } from "../../test/misbehaving-provider.ts";
import { john, startTestServer, type TestServer } from "../testing.ts";
import { parseIdentityProviders } from "./identity-provider-settings.ts";

const [, { newDatabase }] = engines;

let database: NewDatabase;
let provider: Awaited<ReturnType<typeof startMisbehavingProvider>>;
let server: TestServer;

beforeAll(async () => {
  [database, provider] = await Promise.all([newDatabase("migrated"), startMisbehavingProvider()]);
  const entry = { issuer: provider.issuer, ...misbehavingClient, allowPrivateAddresses: true };
  const parsed = parseIdentityProviders(JSON.stringify({ demo: entry }));
  if ("faults" in parsed) throw new Error(parsed.faults.join());
  server = await startTestServer({ databaseUrl: database.url, config: { providers: parsed.providers } });
  await sql`create function refuse() returns trigger language plpgsql as
    $$ begin raise exception 'No space left on device' using errcode = 'disk_full'; end $$`.execute(server.db);
});
afterAll(async () => {
  await server?.close();
  await provider?.[Symbol.asyncDispose]();
  await database?.drop();
});
beforeEach(() => provider.behave());

/** Makes PostgreSQL refuse a kind of write as with a full disk, until `work` has ended. */
const without = async <T>(write: string, work: () => Promise<T>): Promise<T> => {
  const [, table = ""] = /on (\w+)/.exec(write) ?? [];
  await sql`create trigger refusing before ${sql.raw(write)} execute function refuse()`.execute(server.db);
  try {
    return await work();
  } finally {
    await sql`drop trigger refusing on ${sql.table(table)}`.execute(server.db);
  }
};

const counts = async () => {
  const { rows } = await sql<Record<string, number>>`select (select count(*) from users) as users,
    (select count(*) from identities) as identities, (select count(*) from sessions) as sessions,
    (select count(*) from audit_log) as audit`.execute(server.db);
  return rows[0];
};

/** Leaves for the identity provider from `path`, and returns the URL to come back to. */
const leave = async (browser: ReturnType<typeof openBrowser>, path = "/login/demo") => {
  const left = await browser.visit(path);
  const asked = new URL(String(left.headers.location)).searchParams;
  provider.expectNonce(asked.get("nonce") ?? "");
  const answer = new URLSearchParams({ code: "a-code", state: asked.get("state") ?? "", iss: provider.issuer });
  return `/login/demo/callback?${answer}`;
};

/** Expects the page of an outage, without a change of the session cookie. */
const expectOutage = (response: Awaited<ReturnType<ReturnType<typeof openBrowser>["visit"]>>) => {
  expect([response.statusCode, response.headers["retry-after"]]).toEqual([503, "2"]);
  expect(response.headers["content-type"]).toContain("text/html");
  expect(response.headers["location"]).toBeUndefined();
  expect(response.body).toContain("temporarily_unavailable");
  expect(response.cookies.filter(({ name }) => name === "lockstep-session")).toEqual([]);
};

describe("[S118] returning from an identity provider while the database is unavailable", () => {
  it("is answered 503 before anything is done, and succeeds when it is tried again", async () => {
    const browser = openBrowser(server.app);
    const back = await leave(browser);
    const before = await counts();
    const asked = provider.asked.length;
    await without("insert on spent_ids", async () => {
      expectOutage(await browser.visit(back, "cross-site"));
      const program = await server.app.inject({ url: back, headers: { cookie: browser.ours.header() } });
      expect([program.statusCode, program.json().error]).toEqual([503, "temporarily_unavailable"]);
    });
    expect(await counts()).toEqual(before);
    expect(provider.asked.slice(asked)).not.toContain("/token");
    const again = await browser.visit(back, "cross-site");
    expect([again.statusCode, again.headers.location]).toEqual([303, "/"]);
    expect(browser.ours.names().sort()).toEqual(["lockstep-device", "lockstep-session"]);
  });

  it.each(["insert on users", "insert on identities", "insert on sessions", "insert on provider_sessions"])(
    "is answered 503 when PostgreSQL refuses an %s, and the person signs in from the start",
    async (write) => {
      await server.db.deleteFrom("users").where("username", "!=", john.username).execute();
      const browser = openBrowser(server.app);
      const back = await leave(browser);
      const before = await counts();
      await without(write, async () => expectOutage(await browser.visit(back, "cross-site")));
      const after = await counts();
      expect(after?.["sessions"]).toBe(before?.["sessions"]);
      // An account and its identity, or neither.
      const { users = 0, identities = 0 } = after ?? {};
      expect(users - (before?.["users"] ?? 0)).toBe(identities - (before?.["identities"] ?? 0));
      // The provider's code has been used, so the same response is refused.
      expect((await browser.visit(back, "cross-site")).headers.location).toBe("/sign-in?problem=expired&provider=demo");
      expect((await browser.visit(await leave(browser), "cross-site")).headers.location).toBe("/");
      expect((await counts())?.["identities"]).toBe(1);
    },
  );

  it("links nothing, and succeeds when it is tried again", async () => {
    await server.db.deleteFrom("users").where("username", "!=", john.username).execute();
    const { mutate } = callsTo(server.app);
    const browser = openBrowser(server.app);
    const login = { username: john.username, password: john.password, transport: "cookie" } as const;
    const { cookies, data } = await mutate("auth.login", login);
    browser.ours.set("lockstep-session", cookies["lockstep-session"]?.value ?? "");
    const ticket = async () =>
      (await mutate("identity.link", { provider: "demo" }, { token: data.accessToken })).data.continueAt;
    const back = await leave(browser, await ticket());
    const before = await counts();
    await without("insert on identities", async () => expectOutage(await browser.visit(back, "cross-site")));
    expect(await counts()).toEqual(before);
    const linked = await browser.visit(await leave(browser, await ticket()), "cross-site");
    expect(linked.headers.location).toBe("/");
    expect((await counts())?.["identities"]).toBe(1);
  });

  it("starts no second session when the browser's earlier one cannot be ended", async () => {
    const browser = openBrowser(server.app);
    await browser.visit(await leave(browser), "cross-site");
    const first = browser.ours.get("lockstep-session");
    const back = await leave(browser);
    const before = await counts();
    await without("update of ended_at on sessions", async () => expectOutage(await browser.visit(back, "cross-site")));
    expect(await counts()).toEqual(before);
    expect(browser.ours.get("lockstep-session")).toBe(first);
    const { cookies } = await callsTo(server.app).mutate(
      "auth.refresh",
      {},
      {
        cookies: { "lockstep-session": browser.ours.get("lockstep-session") ?? "" },
      },
    );
    expect(cookies["lockstep-session"]?.value).toBeTruthy();
  });
});

it("[S118] a logout token that came during an outage ends the sessions when it is sent again", async () => {
  const browser = openBrowser(server.app);
  await browser.visit(await leave(browser), "cross-site");
  const now = Math.floor(Date.now() / 1000);
  const token = await provider.signWith(
    {
      iss: provider.issuer,
      aud: misbehavingClient.clientId,
      iat: now,
      exp: now + 120,
      jti: "sent again",
      sub: "nadia",
      events: { "http://schemas.openid.net/event/backchannel-logout": {} },
    },
    { alg: "ES256", kid: "first", typ: "logout+jwt" },
  );
  const send = () =>
    server.app.inject({
      method: "POST",
      url: "/login/demo/backchannel-logout",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ logout_token: token }).toString(),
    });
  const live = async () =>
    (
      await server.db
        .selectFrom("sessions")
        .innerJoin("provider_sessions", "provider_sessions.session_id", "sessions.id")
        .where("ended_at", "is", null)
        .select("sessions.id")
        .execute()
    ).length;
  expect(await live()).toBeGreaterThan(0);
  for (const write of ["update of ended_at on sessions", "insert on spent_ids"]) {
    const refused = await without(write, send);
    expect([refused.statusCode, refused.headers["retry-after"]]).toEqual([503, "2"]);
  }
  expect((await send()).statusCode).toBe(200);
  expect(await live()).toBe(0);
  expect((await send()).statusCode).toBe(400);
});
