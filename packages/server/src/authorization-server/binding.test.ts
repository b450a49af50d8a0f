// An authorization request belongs to the browser in which it began, and to the person who answers there. Nobody can
// answer for another person (RFC 9700 §4.7).

import * as client from "openid-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  addPerson,
  type Browser,
  beginAuthorization,
  callback,
  callWith,
  inputsOf,
  openBrowser,
  refusalOf,
  registerClient,
  type Server,
  shownBy,
  signedInBrowser,
  startAuthorizationServer,
} from "./testing.ts";

let server: Server;
let app: Awaited<ReturnType<typeof registerClient>>;

beforeAll(async () => {
  server = await startAuthorizationServer();
  app = await registerClient(server);
  await addPerson(server, "mary");
});
afterAll(() => server.close());

const signedIn = async (username = "john") => {
  const browser = await signedInBrowser(server, username);
  return browser;
};
const begin = async (browser: Browser, config = app.config) => {
  const { url, checks } = await beginAuthorization(config, { prompt: "consent" });
  const asked = await browser.follow(url);
  expect(asked.url.pathname).toMatch(/^\/interaction\//);
  return { checks, authorizationId: browser.authorizationId(asked.url) };
};
const notFound = { status: 404, code: "AUTHORIZATION_NOT_FOUND" };

describe("an authorization request", () => {
  it("[S10] of another browser can be neither read, granted nor refused", async () => {
    const attacker = openBrowser(server);
    const { authorizationId } = await begin(attacker);
    const victim = await signedIn();
    expect(await victim.rpc("authorization.asker", { authorizationId }, "query")).toMatchObject(notFound);
    expect(await victim.rpc("authorization.read", { authorizationId }, "query")).toMatchObject(notFound);
    expect(await victim.rpc("authorization.approve", { authorizationId })).toMatchObject(notFound);
    expect(await victim.rpc("authorization.deny", { authorizationId })).toMatchObject(notFound);
    expect(await server.domain.grants.list(await johnsId())).toEqual([]);
  });

  it("cannot be answered with its ID alone: its cookie contains a secret (RFC 9700 §4.7)", async () => {
    const victim = await signedIn();
    const { authorizationId } = await begin(victim);
    const name = `lockstep-authorization-${authorizationId}`;
    const attacker = await signedIn("mary");
    const own = await begin(attacker);
    const ownValue = attacker.jar.get(`lockstep-authorization-${own.authorizationId}`)?.value ?? "";
    const victimsValue = victim.jar.get(name)?.value ?? "";
    expect(victimsValue).toMatch(/^\d+\.[\w-]{22}$/);
    const [beganAt] = victimsValue.split(".");
    for (const value of ["1", ownValue, `${beganAt}.`, `${beganAt}.1`, victimsValue.slice(0, -1), "."]) {
      attacker.jar.set(name, { value, path: "/" });
      for (const answer of ["approve", "deny"])
        expect(await attacker.rpc(`authorization.${answer}`, { authorizationId })).toMatchObject(notFound);
      expect(await attacker.rpc("authorization.read", { authorizationId }, "query")).toMatchObject(notFound);
    }
    const stored = await server.db.selectFrom("oauth_records").select("payload").execute();
    expect(JSON.stringify(stored)).not.toContain(victimsValue.split(".")[1]);
    expect((await victim.rpc("authorization.approve", { authorizationId })).status).toBe(200);
  });

  it("is one of four at most in a browser: the oldest is dropped, and cookies stay few", async () => {
    const browser = await signedIn();
    const before = browser.jar.size;
    const begun = [];
    for (let count = 0; count < 9; count++) begun.push(await begin(browser));
    // For each, its own cookie, and the library's resume cookie with its signature.
    expect(browser.jar.size - before).toBeLessThanOrEqual(4 * 3);
    const everywhere = [...browser.jar].filter(([name, { path }]) => path === "/" && name.includes("authorization-"));
    expect(everywhere.map(([name, { value }]) => `${name}=${value}; `).join("").length).toBeLessThan(500);
    const open = [];
    for (const { authorizationId } of begun)
      open.push((await browser.rpc("authorization.read", { authorizationId }, "query")).status === 200);
    expect(open.filter(Boolean)).toHaveLength(4);
    const [newest] = begun.slice(-1);
    const { data } = await browser.rpc("authorization.approve", { authorizationId: newest?.authorizationId });
    expect((await browser.follow(String(data?.["redirectTo"]))).url.searchParams.has("code")).toBe(true);
  });

  it("replaces the oldest when it is the fifth, also when all five began in one second", async () => {
    const browser = await signedIn();
    const open = [];
    const begun = [];
    for (let count = 0; count < 5; count++) begun.push(await begin(browser));
    for (const { authorizationId } of begun)
      open.push((await browser.rpc("authorization.read", { authorizationId }, "query")).status);
    expect(open).toEqual([404, 200, 200, 200, 200]);
  });

  it("is answered in its tab, in whatever order four of them are answered", async () => {
    const browser = await signedIn();
    const begun = [];
    for (let count = 0; count < 4; count++) begun.push(await begin(browser));
    for (const index of [2, 0, 3, 1]) {
      const { data } = await browser.rpc("authorization.approve", { authorizationId: begun[index]?.authorizationId });
      const back = await browser.follow(String(data?.["redirectTo"]));
      expect([index, back.url.searchParams.get("state")]).toEqual([index, begun[index]?.checks.expectedState]);
    }
  });

  it("ignores cookies that others have set", async () => {
    const browser = await signedIn();
    const names = [
      "x;y",
      "ä",
      "__proto__",
      "a b",
      `${"x".repeat(300)}`,
      ...Array.from({ length: 8 }, (_, n) => `id${n}`),
    ];
    for (const each of names)
      browser.jar.set(`lockstep-authorization-${each}`.replaceAll(/[^!-~]/g, ""), { value: "9", path: "/" });
    expect(await begin(browser)).toHaveProperty("authorizationId");
  });

  it("cannot be granted by a page of another origin", async () => {
    const browser = await signedIn();
    const { authorizationId } = await begin(browser);
    for (const headers of [{ origin: "https://evil.example" }, { "sec-fetch-site": "same-site" }]) {
      const input = encodeURIComponent(JSON.stringify({ authorizationId }));
      const response = await browser.go(`/trpc/authorization.asker?input=${input}`, { headers });
      expect(response.status).toBe(404);
    }
    expect((await browser.rpc("authorization.approve", { authorizationId })).status).toBe(200);
  });

  it("[S10] is finished only in the browser where it began", async () => {
    const browser = await signedIn();
    const { authorizationId } = await begin(browser);
    const { data } = await browser.rpc("authorization.approve", { authorizationId });
    const other = openBrowser(server);
    const elsewhere = await other.follow(String(data?.["redirectTo"]));
    expect(elsewhere.response?.status).toBe(400);
    expect(await shownBy(elsewhere.response)).toMatchObject({ page: "error" });
    const here = await browser.follow(String(data?.["redirectTo"]));
    expect(here.url.searchParams.has("code")).toBe(true);
  });

  it("continues only after an answer, and once", async () => {
    const browser = await signedIn();
    const { authorizationId } = await begin(browser);
    const early = await browser.follow(`/authorize/${authorizationId}`);
    expect(early.url.origin).toBe(server.url);

    const next = await begin(browser);
    const { data } = await browser.rpc("authorization.approve", next);
    await browser.follow(String(data?.["redirectTo"]));
    const again = await browser.follow(String(data?.["redirectTo"]));
    expect(await shownBy(again.response)).toMatchObject({ page: "error" });
    expect(await browser.rpc("authorization.approve", next)).toMatchObject(notFound);
  });

  it("leaves no cookie once it was answered, either way", async () => {
    const browser = await signedIn();
    for (const answer of ["approve", "deny"]) {
      const { authorizationId } = await begin(browser);
      const held = () => [...browser.jar.keys()].filter((name) => name.endsWith(authorizationId));
      // Its own cookie, and the library's resume cookie with its signature.
      expect(held()).toHaveLength(3);
      const { data } = await browser.rpc(`authorization.${answer}`, { authorizationId });
      await browser.follow(String(data?.["redirectTo"]));
      expect(held()).toEqual([]);
    }
  });

  it("can be granted and refused by signed-in people only", async () => {
    const browser = openBrowser(server);
    const { authorizationId } = await begin(browser);
    expect(await browser.rpc("authorization.approve", { authorizationId })).toMatchObject({ code: "UNAUTHENTICATED" });
    expect(await browser.rpc("authorization.read", { authorizationId }, "query")).toMatchObject({ status: 401 });
    expect(await browser.rpc("authorization.deny", { authorizationId })).toMatchObject({ code: "UNAUTHENTICATED" });
    expect((await browser.rpc("authorization.asker", { authorizationId }, "query")).status).toBe(200);
  });

  it("[S30] shows the client, the scopes, the destination and the lifetime", async () => {
    const browser = await signedIn();
    const { authorizationId } = await begin(browser);
    expect((await browser.rpc("authorization.read", { authorizationId }, "query")).data).toEqual({
      client: { id: app.id, name: "A photo app", uri: "https://photos.example", verified: true },
      returnsTo: "photos.example",
      scopes: [
        expect.objectContaining({ name: "openid" }),
        expect.objectContaining({ name: "profile" }),
        expect.objectContaining({ name: "profile:read", words: expect.any(String) }),
      ],
      lastsSeconds: server.config.sessionLimits.idleSeconds,
      signInAgain: false,
      stepUp: null,
      consent: true,
    });
  });
});

describe("two people at one browser", () => {
  it("grant as the user who is signed in when the request is answered, not the one who began it", async () => {
    const browser = await signedIn("john");
    await browser.allow((await beginAuthorization(app.config)).url);
    const { checks, authorizationId } = await begin(browser);
    await browser.signIn("mary", "secret");
    const { data } = await browser.rpc("authorization.approve", { authorizationId });
    const back = await browser.follow(String(data?.["redirectTo"]));
    const tokens = await client.authorizationCodeGrant(app.config, back.url, checks);
    expect((await callWith(server, "/users/me", tokens.access_token)).body).toMatchObject({ username: "mary" });
    // John's session has ended: later requests ask her.
    const silent = await browser.follow((await beginAuthorization(app.config, { prompt: "none" })).url);
    const hers = await beginAuthorization(app.config, { prompt: "none" });
    const next = await client.authorizationCodeGrant(app.config, (await browser.follow(hers.url)).url, hers.checks);
    expect(silent.url.searchParams.has("code")).toBe(true);
    expect(next.claims()?.sub).toBe(tokens.claims()?.sub);
  });

  it("sign the previous user out with a form while that user's session is active", async () => {
    const browser = await signedIn("john");
    await browser.allow((await beginAuthorization(app.config)).url);
    // Mary signs in while john's session is live: its cookie was lost.
    browser.jar.delete("lockstep-session");
    const { checks, authorizationId } = await begin(browser);
    await browser.signIn("mary", "secret");
    const { data } = await browser.rpc("authorization.approve", { authorizationId });
    const { response } = await browser.follow(String(data?.["redirectTo"]));
    const html = (await response?.text()) ?? "";
    expect(response?.headers.get("content-security-policy")).toMatch(
      /form-action 'self' [^;]*https:\/\/photos\.example;/,
    );
    const inputs = inputsOf(html);
    const back = await browser.follow("/logout/confirm", {
      method: "POST",
      body: inputs.toString(),
      headers: { "content-type": "application/x-www-form-urlencoded" },
    });
    expect(back.url.href).toContain(callback);
    const tokens = await client.authorizationCodeGrant(app.config, back.url, checks);
    expect((await callWith(server, "/users/me", tokens.access_token)).body).toMatchObject({ username: "mary" });
  });

  it("each get a grant of their own when both answer the same request", async () => {
    const browser = await signedIn("john");
    const { checks, authorizationId } = await begin(browser);
    const before = await server.db.selectFrom("grants").select(["id", "user_id"]).execute();
    const cookie = browser.jar.get(`lockstep-authorization-${authorizationId}`);
    expect((await browser.rpc("authorization.approve", { authorizationId })).status).toBe(200);
    await browser.signIn("mary", "secret");
    // Her tab sent its answer before his removed the cookie.
    browser.jar.set(`lockstep-authorization-${authorizationId}`, cookie ?? { value: "", path: "/" });
    const { data } = await browser.rpc("authorization.approve", { authorizationId });
    const after = await server.db.selectFrom("grants").select(["id", "user_id"]).execute();
    const known = new Set(before.map(({ id }) => id));
    const made = after.filter(({ id }) => !known.has(id));
    expect(new Set(made.map((grant) => grant.user_id)).size).toBe(2);
    const back = await browser.follow(String(data?.["redirectTo"]));
    const tokens = await client.authorizationCodeGrant(app.config, back.url, checks);
    expect((await callWith(server, "/users/me", tokens.access_token)).body).toMatchObject({ username: "mary" });
  });

  it("cannot use each other's code: it is refused in the browser where the request did not begin", async () => {
    const [johns, marys] = [await signedIn("john"), await signedIn("mary")];
    const his = await beginAuthorization(app.config, { prompt: "consent" });
    const back = await johns.allow(his.url);
    const hers = await beginAuthorization(app.config, { prompt: "consent" });
    await marys.allow(hers.url);
    const injected = new URL(back);
    injected.searchParams.set("state", String(hers.checks.expectedState));
    expect(await refusalOf(client.authorizationCodeGrant(app.config, injected, hers.checks))).toBe("invalid_grant");
  });
});

const johnsId = async () => (await server.domain.users.findByLogin("john"))?.user.id ?? "";
