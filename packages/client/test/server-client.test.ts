// Calls that a web server makes for the browser whose request it answers: Next, SvelteKit, Nuxt, Astro and others.

import { createClient, errorOf, memoryTokens, sessionOf } from "@lockstep/client";
import { createServerClient, restoreSession, type ServerCookie, SetCookieError } from "@lockstep/client/server";
import { john, startTestServer, type TestServer, testClock, testSessionLimits } from "@lockstep/server/testing";
import { safe } from "@trpc/client";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { complete, cookieJar, issuedTokens, recorded, refreshes } from "./requests.ts";

const credentials = { username: john.username, password: john.password };
const clock = testClock();
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ now: clock.now });
});
afterAll(() => server.close());
beforeEach(() => clock.advanceSeconds(24 * 3600));

/** A browser, and the client of its pages. */
const openBrowser = () => {
  const jar = cookieJar(server.url);
  const page = createClient({ url: server.url, transport: "cookie", fetch: jar.fetch, now: clock.now, tabs: null });
  return {
    ...jar,
    page,
    /** The headers of its next request for a page. */
    request: (headers: Record<string, string> = {}) =>
      new Headers({ cookie: [...jar.cookies].map((pair) => pair.join("=")).join("; "), ...headers }),
    sessionCookie: () => jar.cookies.get("lockstep-session") ?? "",
    set: ({ header }: ServerCookie) => jar.receive([header]),
  };
};
const signedInBrowser = async () => {
  const browser = openBrowser();
  await browser.page.auth.login.mutate(credentials);
  return browser;
};

const sessionRows = () => server.db.selectFrom("sessions").selectAll().orderBy("id").execute();

const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => null,
    (error: unknown) => errorOf("user.me", error)?.code,
  );

describe("a client for one request", () => {
  it.each([
    ["of the Fetch API", (authorization: string) => new Headers({ authorization })],
    ["of node:http", (authorization: string) => ({ authorization, accept: "*/*" })],
  ])("uses the bearer token of headers %s, and never refreshes it", async (_, headersWith) => {
    const { accessToken, expiresIn } = complete(await createClient({ url: server.url }).auth.login.mutate(credentials));
    const network = recorded(globalThis.fetch);
    const headers = headersWith(`Bearer ${accessToken}`);
    const client = createServerClient({ url: server.url, headers, fetch: network.fetch });
    expect((await client.user.me.query()).username).toBe(john.username);

    clock.advanceSeconds(expiresIn + 60);
    expect(await codeOf(client.user.me.query())).toBe("INVALID_TOKEN");
    expect(refreshes(network.requests)).toHaveLength(0);
  });

  it("[S22] reads with the session cookie without redeeming it, in one request for ten components", async () => {
    const browser = await signedInBrowser();
    const before = await sessionRows();
    const network = recorded(globalThis.fetch);
    const client = createServerClient({ url: server.url, headers: browser.request(), fetch: network.fetch });
    const components = await Promise.all(Array.from({ length: 10 }, () => client.user.me.query()));
    expect(new Set(components.map(({ username }) => username))).toEqual(new Set([john.username]));
    await client.session.list.query();
    expect(issuedTokens(network.requests)).toHaveLength(1);
    expect(refreshes(network.requests)).toHaveLength(0);
    expect(await sessionRows()).toEqual(before);

    clock.advanceSeconds(3600);
    expect((await browser.page.user.me.query()).username).toBe(john.username);
    expect(sessionOf(browser.page).get().status).toBe("signedIn");
  });

  it("reads where cookies cannot be set, and leaves the browser's session as it is", async () => {
    const browser = await signedInBrowser();
    for (let page = 0; page < 3; page++) {
      clock.advanceSeconds(3600);
      const client = createServerClient({
        url: server.url,
        headers: browser.request(),
        setCookie: () => {
          throw new Error("Cookies can only be modified in a Server Action or Route Handler");
        },
      });
      expect((await client.user.me.query()).username).toBe(john.username);
    }
    expect((await browser.page.user.me.query()).username).toBe(john.username);
  });

  it("keeps its access token while the browser refreshes, so that a slow page does not end the session", async () => {
    const browser = await signedInBrowser();
    const network = recorded(globalThis.fetch);
    const slow = createServerClient({ url: server.url, headers: browser.request(), fetch: network.fetch });
    await slow.user.me.query();
    await browser.page.auth.refresh.mutate({});
    clock.advanceSeconds(testSessionLimits.graceSeconds + 1);
    expect((await slow.user.me.query()).username).toBe(john.username);

    clock.advanceSeconds(300);
    expect(await codeOf(slow.user.me.query())).toBe("INVALID_TOKEN");
    expect(issuedTokens(network.requests)).toHaveLength(1);
    expect((await browser.page.user.me.query()).username).toBe(john.username);
  });

  it("[S79] is refused once the session has ended, before its first call or between two", async () => {
    const browser = await signedInBrowser();
    const headers = browser.request();
    const early = createServerClient({ url: server.url, headers });
    await early.user.me.query();
    await browser.page.auth.logout.mutate();
    expect(await codeOf(early.user.me.query())).toBe("INVALID_TOKEN");

    const late = createServerClient({ url: server.url, headers });
    expect(await codeOf(late.user.me.query())).toBe("UNAUTHENTICATED");
    expect(sessionOf(late).get()).toEqual({ status: "signedOut", reason: "signed_out" });
  });

  it("asks again after the backend could not be reached", async () => {
    const browser = await signedInBrowser();
    const network = recorded(globalThis.fetch);
    network.lose = () => true;
    const client = createServerClient({ url: server.url, headers: browser.request(), fetch: network.fetch });
    expect(await codeOf(client.user.me.query())).toBe("UNREACHABLE");
    network.lose = () => false;
    expect((await client.user.me.query()).username).toBe(john.username);
  });

  it("sends the backend its own cookies only, and no request for a browser that has no session", async () => {
    const browser = await signedInBrowser();
    const sent: (string | null)[] = [];
    const fetch: typeof globalThis.fetch = (input, init) => {
      sent.push(new Headers(init?.headers).get("cookie"));
      return globalThis.fetch(input, init);
    };
    const cookie = `theme=dark; lockstep-session=${browser.sessionCookie()}; basket=1`;
    await createServerClient({ url: server.url, headers: { cookie }, fetch }).user.me.query();
    expect(new Set(sent)).toEqual(new Set([`lockstep-session=${browser.sessionCookie()}`]));

    const network = recorded(globalThis.fetch);
    const visitor = createServerClient({ url: server.url, headers: { cookie: "theme=dark" }, fetch: network.fetch });
    expect(await codeOf(visitor.user.me.query())).toBe("UNAUTHENTICATED");
    expect(issuedTokens(network.requests)).toHaveLength(0);
  });

  it("[S82] ignores a cookie whose name is a `__Host-` name and white space, which any host of the site can set", async () => {
    await using secure = await startTestServer({ config: { publicUrl: "https://app.example.com" } });
    const set: ServerCookie[] = [];
    const setCookie = (cookie: ServerCookie) => set.push(cookie);
    await createServerClient({ url: secure.url, headers: {}, setCookie }).auth.login.mutate(credentials);
    const attackers = set.find(({ name }) => name === "__Host-lockstep-session")?.value;
    const userOf = async (name: string) => {
      const headers = { cookie: `${name}=${attackers}` };
      return (await restoreSession({ url: secure.url, headers })).user?.username;
    };
    expect(await userOf("\t __Host-lockstep-session \t")).toBe(john.username);
    for (const name of ["\u00a0__Host-lockstep-session", "__Host-lockstep-session\u00a0", "\v__Host-lockstep-session"])
      expect(await userOf(name), JSON.stringify(name)).toBeUndefined();
  });

  it("shares nothing with the client of another request", async () => {
    const { accessToken } = complete(await createClient({ url: server.url }).auth.login.mutate(credentials));
    const headers = { authorization: `Bearer ${accessToken}` };
    await createServerClient({ url: server.url, headers }).user.me.query();
    expect(await codeOf(createServerClient({ url: server.url, headers: {} }).user.me.query())).toBe("UNAUTHENTICATED");
    expect(memoryTokens().get()).toBeNull();
  });

  it("[S82] uses no cookie for a page of another origin of the same site, and signs nobody in for it", async () => {
    const browser = await signedInBrowser();
    const headers = browser.request({ origin: "http://other.localhost", "sec-fetch-site": "same-site" });
    const set: ServerCookie[] = [];
    const client = createServerClient({ url: server.url, headers, setCookie: (cookie) => set.push(cookie) });
    expect(await codeOf(client.user.me.query())).toBe("UNAUTHENTICATED");
    const [, refused] = await safe(client.auth.login.mutate(credentials));
    expect(errorOf("auth.login", refused)?.code).toBe("FOREIGN_ORIGIN");
    expect(set).toEqual([]);
    expect((await restoreSession({ url: server.url, headers })).user).toBeNull();

    // A link there leads to a page of this origin.
    const link = browser.request({ "sec-fetch-site": "same-site", "sec-fetch-mode": "navigate" });
    expect(await codeOf(createServerClient({ url: server.url, headers: link }).user.me.query())).toBeNull();
  });
});

describe("signing in and out in an action", () => {
  it("sets the cookies of a browser that sent none, in the form that frameworks take", async () => {
    const browser = openBrowser();
    const set: ServerCookie[] = [];
    const client = createServerClient({
      url: server.url,
      headers: browser.request(),
      setCookie: (cookie) => set.push(cookie),
    });
    const answer = complete(await client.auth.login.mutate(credentials));
    expect(answer).not.toHaveProperty("refreshToken");
    expect((await client.user.me.query()).username).toBe(john.username);
    const always = { path: "/", httpOnly: true, secure: false, sameSite: "strict" };
    expect(set.map(({ name, options }) => ({ name, options }))).toEqual([
      { name: "lockstep-device", options: { ...always, maxAge: 365 * 24 * 3600 } },
      { name: "lockstep-session", options: { ...always, expires: expect.any(Date) } },
    ]);

    set.forEach(browser.set);
    const next = createServerClient({ url: server.url, headers: browser.request() });
    expect((await next.user.me.query()).username).toBe(john.username);
    expect((await browser.page.user.me.query()).username).toBe(john.username);
  });

  it("sets cookies that a browser takes over https", async () => {
    const publicUrl = "https://app.example.com";
    await using secure = await startTestServer({ config: { publicUrl } });
    const set: ServerCookie[] = [];
    const setCookie = (cookie: ServerCookie) => set.push(cookie);
    await createServerClient({ url: secure.url, headers: {}, setCookie }).auth.login.mutate(credentials);
    expect(set.map(({ name, options }) => [name, options.secure])).toEqual([
      ["__Host-lockstep-device", true],
      ["__Host-lockstep-session", true],
    ]);
    const cookie = set.map(({ name, value }) => `${name}=${value}`).join("; ");
    const { user } = await restoreSession({ url: secure.url, headers: { cookie } });
    expect(user?.username).toBe(john.username);
  });

  it("[S77] ends the browser's earlier session", async () => {
    const browser = await signedInBrowser();
    const earlier = createServerClient({ url: server.url, headers: browser.request() });
    await earlier.user.me.query();
    const action = createServerClient({ url: server.url, headers: browser.request(), setCookie: browser.set });
    await action.auth.login.mutate(credentials);
    expect(await codeOf(earlier.user.me.query())).toBe("INVALID_TOKEN");
    expect((await action.user.me.query()).username).toBe(john.username);
  });

  it("[S79] removes the cookie at sign-out, and ends the session", async () => {
    const browser = await signedInBrowser();
    const headers = browser.request();
    const action = createServerClient({ url: server.url, headers, setCookie: browser.set });
    await action.auth.logout.mutate();
    expect(browser.cookies.has("lockstep-session")).toBe(false);
    expect((await restoreSession({ url: server.url, headers })).endReason).toBe("signed_out");
  });

  it("refuses to sign in or refresh without setCookie, before anything is sent", async () => {
    const browser = await signedInBrowser();
    const before = await sessionRows();
    const network = recorded(globalThis.fetch);
    const client = createServerClient({ url: server.url, headers: browser.request(), fetch: network.fetch });
    const [, login] = await safe(client.auth.login.mutate(credentials));
    expect(login?.cause).toBeInstanceOf(SetCookieError);
    expect(errorOf("auth.login", login)).toBeNull();
    const [, refresh] = await safe(client.auth.refresh.mutate({}));
    expect(refresh?.cause).toBeInstanceOf(SetCookieError);
    expect(network.requests).toEqual([]);
    expect(await sessionRows()).toEqual(before);
  });

  it("fails with an error of its own when setCookie throws", async () => {
    const thrown = new Error("Cookies can only be modified in a Server Action or Route Handler");
    const client = createServerClient({
      url: server.url,
      headers: {},
      setCookie: () => {
        throw thrown;
      },
    });
    const [, error] = await safe(client.auth.login.mutate(credentials));
    expect(errorOf("auth.login", error)).toBeNull();
    expect(error?.cause).toBeInstanceOf(SetCookieError);
    expect(error?.cause).toHaveProperty("cause", thrown);
  });
});

describe("cookies that a load balancer in front of the backend sets", () => {
  it("are not for the browser", async () => {
    const browser = await signedInBrowser();
    const fetch: typeof globalThis.fetch = async (input, init) => {
      const { body, status, headers } = await globalThis.fetch(input, init);
      const response = new Response(body, { status, headers });
      response.headers.append("set-cookie", "balancer=server-1; Path=/; HttpOnly");
      return response;
    };
    const request = browser.request();
    const { headers, cookies } = await restoreSession({ url: server.url, headers: request, fetch });
    expect([cookies, headers.get("cookie")]).toEqual([[], request.get("cookie")]);

    const set: ServerCookie[] = [];
    const setCookie = (cookie: ServerCookie) => set.push(cookie);
    const client = createServerClient({ url: server.url, headers: request, fetch, setCookie });
    expect((await client.user.me.query()).username).toBe(john.username);
    expect(set).toEqual([]);
  });
});

describe("restoring a session before a page is rendered", () => {
  const restore = (headers: Headers, fetch?: typeof globalThis.fetch) =>
    restoreSession({ url: server.url, headers, ...(fetch && { fetch }) });

  it("hands the access token on, so that components get no other, and sets no cookie", async () => {
    const browser = await signedInBrowser();
    const before = await sessionRows();
    const request = browser.request({ accept: "text/html" });
    const { user, endReason, headers, cookies } = await restore(request);
    expect([user?.username, endReason, cookies]).toEqual([john.username, null, []]);
    expect(Object.fromEntries(headers)).toEqual({
      accept: "text/html",
      authorization: expect.stringMatching(/^Bearer /),
      cookie: request.get("cookie"),
    });
    const network = recorded(globalThis.fetch);
    const names = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const client = createServerClient({ url: server.url, headers, fetch: network.fetch });
        return (await client.user.me.query()).username;
      }),
    );
    expect(new Set(names)).toEqual(new Set([john.username]));
    expect([...issuedTokens(network.requests), ...refreshes(network.requests)]).toEqual([]);
    expect(await sessionRows()).toEqual(before);
  });

  it("sends no request without a session cookie, or with a bearer token", async () => {
    const browser = await signedInBrowser();
    const network = recorded(globalThis.fetch);
    for (const request of [
      new Headers({ cookie: "theme=dark" }),
      new Headers(),
      browser.request({ authorization: "Bearer of.another.client" }),
    ]) {
      const { user, headers, cookies } = await restore(request, network.fetch);
      expect([user, cookies]).toEqual([null, []]);
      expect(Object.fromEntries(headers)).toEqual(Object.fromEntries(request));
    }
    expect(network.requests).toEqual([]);
  });

  it("takes the headers of node:http2, and hands on those that are of HTTP", async () => {
    const browser = await signedInBrowser();
    const cookie = browser.request().get("cookie") ?? "";
    const headers = { ":method": "GET", ":path": "/", accept: "text/html", cookie };
    const restored = await restoreSession({ url: server.url, headers });
    expect(restored.user?.username).toBe(john.username);
    expect([...restored.headers.keys()]).toEqual(["accept", "authorization", "cookie"]);
  });

  it("replaces the credentials of a site that is protected by HTTP Basic authentication", async () => {
    const browser = await signedInBrowser();
    const { user, headers } = await restore(browser.request({ authorization: "Basic dGVzdDp0ZXN0" }));
    expect(user?.username).toBe(john.username);
    expect(headers.get("authorization")).toMatch(/^Bearer /);
  });

  it("[S22] refreshes when the last refresh was ten minutes ago, and hands the new cookie on", async () => {
    const browser = await signedInBrowser();
    browser.cookies.set("theme", "dark%20blue");
    const old = browser.sessionCookie();
    clock.advanceSeconds(599);
    expect((await restore(browser.request())).cookies).toEqual([]);
    clock.advanceSeconds(1);
    const network = recorded(globalThis.fetch);
    const { user, headers, cookies } = await restore(browser.request(), network.fetch);
    expect(user?.username).toBe(john.username);
    expect(refreshes(network.requests)).toHaveLength(1);
    expect(cookies).toMatchObject([{ name: "lockstep-session", options: { httpOnly: true, sameSite: "strict" } }]);
    cookies.forEach(browser.set);
    expect(browser.sessionCookie()).not.toBe(old);
    const handedOn = headers.get("cookie")?.split("; ").sort();
    expect(handedOn).toEqual([...browser.cookies].map((pair) => pair.join("=")).sort());
    expect(handedOn).toContain("theme=dark%20blue");
    expect((await restore(browser.request())).cookies).toEqual([]);
  });

  it("prolongs the session of a browser that runs no script", async () => {
    const browser = await signedInBrowser();
    for (let day = 0; day < 20; day++) {
      clock.advanceSeconds(24 * 3600);
      const { user, cookies } = await restore(browser.request());
      expect(user?.username).toBe(john.username);
      cookies.forEach(browser.set);
    }
    expect(20 * 24 * 3600).toBeGreaterThan(testSessionLimits.idleSeconds);
  });

  it("[S24] refreshes once for parallel requests of a browser", async () => {
    const browser = await signedInBrowser();
    const { sessionId } = sessionOf(browser.page).get() as { sessionId: string };
    clock.advanceSeconds(3600);
    const request = browser.request();
    const restored = await Promise.all(Array.from({ length: 10 }, () => restore(request)));
    const values = restored.map(({ cookies: [cookie] }) => cookie?.value);
    expect(new Set(values).size).toBe(1);
    expect(values[0]).toContain(`${sessionId}.1.`);
    expect(restored.every(({ user }) => user?.username === john.username)).toBe(true);
    restored[0]?.cookies.forEach(browser.set);
    clock.advanceSeconds(3600);
    expect((await browser.page.user.me.query()).username).toBe(john.username);
  });

  it("[S24] refreshes at the same time as the browser, whichever answer arrives last", async () => {
    for (const last of ["page", "proxy"]) {
      const browser = await signedInBrowser();
      clock.advanceSeconds(3600);
      const [restored] = await Promise.all([restore(browser.request()), browser.page.auth.refresh.mutate({})]);
      if (last === "proxy") restored.cookies.forEach(browser.set);
      clock.advanceSeconds(3600);
      expect((await browser.page.user.me.query()).username).toBe(john.username);
      expect((await restore(browser.request())).user?.username).toBe(john.username);
    }
  });

  it("[S24] gives the current cookie again to a browser that lost it, within the grace window", async () => {
    const browser = await signedInBrowser();
    clock.advanceSeconds(3600);
    const lost = await restore(browser.request());
    clock.advanceSeconds(testSessionLimits.graceSeconds);
    const { cookies } = await restore(browser.request());
    expect(cookies.map(({ value }) => value)).toEqual(lost.cookies.map(({ value }) => value));
  });

  it("[S23] detects a thief with a replaced cookie after the grace window, who reads only", async () => {
    const browser = await signedInBrowser();
    const stolen = browser.request();
    clock.advanceSeconds(600);
    (await restore(browser.request())).cookies.forEach(browser.set);
    clock.advanceSeconds(testSessionLimits.graceSeconds + 1);
    expect((await restore(browser.request())).user?.username).toBe(john.username);

    const thief = createServerClient({ url: server.url, headers: stolen });
    expect(await codeOf(thief.user.me.query())).toBe("UNAUTHENTICATED");
    expect(sessionOf(thief).get()).toEqual({ status: "signedOut", reason: "reused" });
    expect((await restore(browser.request())).endReason).toBe("reused");
  });

  it("removes the cookie of a session that has ended, also from what is handed on", async () => {
    const browser = await signedInBrowser();
    browser.cookies.set("theme", "dark");
    const { sessionId } = sessionOf(browser.page).get() as { sessionId: string };
    const user = await browser.page.user.me.query();
    await server.domain.sessions.end(user.id, sessionId, "revoked", {
      address: null,
      userAgent: null,
      requestId: null,
    });
    const restored = await restore(browser.request());
    expect(restored).toMatchObject({
      user: null,
      endReason: "revoked",
      cookies: [{ name: "lockstep-session", value: "" }],
    });
    expect(restored.headers.has("authorization")).toBe(false);
    expect(restored.headers.get("cookie")).not.toContain("lockstep-session");
    expect(restored.headers.get("cookie")).toContain("theme=dark");
    restored.cookies.forEach(browser.set);
    expect(browser.cookies.has("lockstep-session")).toBe(false);
  });

  it("rejects when the backend does not answer, and the session goes on", async () => {
    const browser = await signedInBrowser();
    const network = recorded(globalThis.fetch);
    network.lose = () => true;
    expect(await codeOf(restore(browser.request(), network.fetch))).toBe("UNREACHABLE");
    expect((await restore(browser.request())).user?.username).toBe(john.username);
  });

  it("does without a refresh that is not answered, until the next request", async () => {
    const browser = await signedInBrowser();
    clock.advanceSeconds(3600);
    const network = recorded(globalThis.fetch);
    network.answer = (path) => (path.endsWith("/auth.refresh") ? Promise.reject(new TypeError("fetch failed")) : null);
    const { user, cookies } = await restore(browser.request(), network.fetch);
    expect([user?.username, cookies]).toEqual([john.username, []]);
    expect((await restore(browser.request())).cookies).toHaveLength(1);
  });
});
