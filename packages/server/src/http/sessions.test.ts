import { decodeJwt } from "jose";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { callsTo } from "../../test/calls.ts";
import {
  john,
  resourceMetadata,
  startTestServer,
  type TestServer,
  testClock,
  testSessionLimits,
  typed,
} from "../testing.ts";

const clock = testClock();
let server: TestServer;
let secureServer: TestServer;
let calls: ReturnType<typeof callsTo>;
let secureCalls: ReturnType<typeof callsTo>;
let johnsId: string;

const secureUrl = "https://api.example.com";
const goodPassword = "a heron stands in the shallow river";

beforeAll(async () => {
  server = await startTestServer({ now: clock.now });
  secureServer = await startTestServer({ now: clock.now, config: { publicUrl: secureUrl } });
  calls = callsTo(server.app);
  secureCalls = callsTo(secureServer.app);
  johnsId = (await server.domain.users.findByLogin(john.username))?.user.id ?? "";
});
afterAll(() => Promise.all([server.close(), secureServer.close()]));

beforeEach(() => clock.advanceSeconds(24 * 3600 + 1));
afterEach(async () => {
  await server.domain.users.replacePasswordHash(johnsId, await server.domain.passwords.hash(john.password));
});

const signIn = (options = {}) => calls.mutate("auth.login", { username: "john", password: "secret" }, options);
const browserSignIn = (cookies: Record<string, string> = {}, headers: Record<string, string> = {}) =>
  calls.mutate("auth.login", { username: "john", password: "secret", transport: "cookie" }, { cookies, headers });
const sessionCookie = ({ cookies }: Awaited<ReturnType<typeof browserSignIn>>) => ({
  "lockstep-session": cookies["lockstep-session"]?.value ?? "",
});

describe("the body transport", () => {
  it("[S22] returns the refresh token, and a new one at each refresh", async () => {
    const first = await signIn();
    expect(first.cookies).toEqual({});
    const second = await calls.mutate("auth.refresh", { refreshToken: first.data.refreshToken });
    expect(second.status).toBe(200);
    expect(second.cookies).toEqual({});
    expect(second.data).toMatchObject({
      tokenType: "Bearer",
      expiresIn: 600,
      sessionId: first.data.sessionId,
      user: { username: "john" },
    });
    expect(second.data.refreshToken).toMatch(/^[\w-]{22}\.1\.[\w-]{43}$/);
    expect((await calls.query("user.me", { token: second.data.accessToken })).data.username).toBe("john");
  });

  it("[S35] sends Cache-Control: no-store", async () => {
    const { data, headers } = await signIn();
    const refreshed = await calls.mutate("auth.refresh", { refreshToken: data.refreshToken });
    const refused = await calls.mutate("auth.refresh", { refreshToken: "x" });
    expect([headers, refreshed.headers, refused.headers].map((each) => each["cache-control"])).toEqual(
      Array(3).fill("no-store"),
    );
  });

  it("ignores a browser's cookie when the token is in the body", async () => {
    const browser = await browserSignIn();
    const { data, cookies } = await signIn({ cookies: sessionCookie(browser) });
    expect(cookies).toEqual({});
    const refused = await calls.mutate("auth.refresh", { refreshToken: "x" }, { cookies: sessionCookie(browser) });
    expect([refused.code, refused.cookies]).toEqual(["SESSION_ENDED", {}]);
    expect((await calls.query("user.me", { token: browser.data.accessToken })).status).toBe(200);
    expect((await calls.query("user.me", { token: data.accessToken })).status).toBe(200);
  });

  it.each(["", "x", "a.0.b", `${"A".repeat(22)}.0.${"A".repeat(43)}`])(
    "[S37] answers the refresh token %j, which is not ours, with 401 and no further details",
    async (refreshToken) => {
      const { status, error } = await calls.mutate("auth.refresh", { refreshToken });
      expect(status).toBe(401);
      expect(error).toMatchObject({ code: "SESSION_ENDED", details: { reason: "unknown" } });
    },
  );
});

describe("the cookie transport", () => {
  it("[S82] keeps the refresh token in an HttpOnly cookie, and out of the answer", async () => {
    const { data, cookies, text } = await browserSignIn();
    const cookie = cookies["lockstep-session"];
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Strict", path: "/" });
    expect(cookie).not.toHaveProperty("secure");
    expect(cookie).not.toHaveProperty("domain");
    expect(cookie?.expires?.getTime()).toBe(
      Math.floor(clock.now() / 1000) * 1000 + testSessionLimits.idleSeconds * 1000,
    );
    expect(cookies["lockstep-device"]).toMatchObject({ httpOnly: true, sameSite: "Strict", path: "/" });
    expect(data).not.toHaveProperty("refreshToken");
    expect(data).not.toHaveProperty("deviceToken");
    expect(text).not.toContain(cookie?.value.split(".")[2]);
  });

  it("[S82] binds the cookies to this host over https", async () => {
    const input = { username: "john", password: "secret", transport: "cookie" } as const;
    const { cookies } = await secureCalls.mutate("auth.login", input, { headers: { origin: secureUrl } });
    expect(Object.keys(cookies).sort()).toEqual(["__Host-lockstep-device", "__Host-lockstep-session"]);
    for (const cookie of Object.values(cookies)) {
      expect(cookie).toMatchObject({ httpOnly: true, secure: true, sameSite: "Strict", path: "/" });
      expect(cookie).not.toHaveProperty("domain");
    }
    const value = cookies["__Host-lockstep-session"]?.value ?? "";
    const withoutPrefix = await secureCalls.mutate("auth.refresh", {}, { cookies: { "lockstep-session": value } });
    expect(withoutPrefix.code).toBe("SESSION_ENDED");
    const refreshed = await secureCalls.mutate("auth.refresh", {}, { cookies: { "__Host-lockstep-session": value } });
    expect(refreshed.cookies["__Host-lockstep-session"]).toMatchObject({ httpOnly: true, secure: true });
  });

  it("refreshes with the cookie, and replaces it", async () => {
    const first = await browserSignIn();
    const second = await calls.mutate("auth.refresh", {}, { cookies: sessionCookie(first) });
    expect(second.status).toBe(200);
    expect(second.data).not.toHaveProperty("refreshToken");
    expect(second.data.sessionId).toBe(first.data.sessionId);
    const replaced = second.cookies["lockstep-session"];
    expect(replaced).toMatchObject({ httpOnly: true, sameSite: "Strict", path: "/" });
    expect(replaced?.value).not.toBe(first.cookies["lockstep-session"]?.value);
    expect((await calls.query("user.me", { token: second.data.accessToken })).status).toBe(200);
  });

  it("clears the cookie when a refresh is refused", async () => {
    const first = await browserSignIn();
    await server.domain.sessions.endAllOf(johnsId, "revoked", { address: null, userAgent: null, requestId: null });
    const refused = await calls.mutate("auth.refresh", {}, { cookies: sessionCookie(first) });
    expect(refused.error).toMatchObject({ code: "SESSION_ENDED", details: { reason: "revoked" } });
    expect(refused.cookies["lockstep-session"]).toMatchObject({ value: "", path: "/", httpOnly: true });
    expect(refused.cookies["lockstep-session"]?.expires?.getTime()).toBe(0);
  });

  it("[S79] clears the cookie at sign-out, and its token is invalid afterwards", async () => {
    const first = await browserSignIn();
    const out = await calls.mutate("auth.logout", undefined, {
      token: first.data.accessToken,
      cookies: sessionCookie(first),
    });
    expect(out.status).toBe(200);
    expect(out.cookies["lockstep-session"]).toMatchObject({ value: "", path: "/" });
    expect((await calls.query("user.me", { token: first.data.accessToken })).code).toBe("INVALID_TOKEN");
    const refused = await calls.mutate("auth.refresh", {}, { cookies: sessionCookie(first) });
    expect(refused.error).toMatchObject({ details: { reason: "signed_out" } });
  });

  it("[S77] starts a new session at each sign-in, and ends the browser's earlier one", async () => {
    const first = await browserSignIn();
    const elsewhere = await signIn();
    const second = await browserSignIn(sessionCookie(first));
    expect(second.data.sessionId).not.toBe(first.data.sessionId);
    expect(second.cookies["lockstep-session"]?.value).not.toBe(first.cookies["lockstep-session"]?.value);
    expect((await calls.query("user.me", { token: first.data.accessToken })).code).toBe("INVALID_TOKEN");
    expect((await calls.query("user.me", { token: elsewhere.data.accessToken })).status).toBe(200);
    expect((await calls.query("user.me", { token: second.data.accessToken })).status).toBe(200);
  });

  it("[S77] replaces a planted cookie that is not ours", async () => {
    const planted = `${"A".repeat(22)}.0.${"A".repeat(43)}`;
    const { data, cookies } = await browserSignIn({ "lockstep-session": planted });
    expect(data.sessionId).not.toBe("A".repeat(22));
    expect(cookies["lockstep-session"]?.value).not.toBe(planted);
  });

  it("keeps a browser's session when a sign-in is refused", async () => {
    const first = await browserSignIn();
    const refused = await calls.mutate(
      "auth.login",
      { username: "john", password: "wrong", transport: "cookie" },
      { cookies: sessionCookie(first) },
    );
    expect([refused.code, refused.cookies]).toEqual(["INVALID_CREDENTIALS", {}]);
    expect((await calls.query("user.me", { token: first.data.accessToken })).status).toBe(200);
  });

  describe("read by a server, for one request of the browser", () => {
    const issue = (signedIn: Awaited<ReturnType<typeof browserSignIn>>, headers: Record<string, string> = {}) =>
      calls.mutate("auth.issueAccessToken", undefined, { cookies: sessionCookie(signedIn), headers });

    it("[S22] issues a short-lived access token, and neither redeems nor sets a cookie", async () => {
      const first = await browserSignIn();
      const before = await server.db.selectFrom("sessions").selectAll().execute();
      const issued = await issue(first);
      expect([issued.status, issued.cookies]).toEqual([200, {}]);
      expect(issued.headers["cache-control"]).toBe("no-store");
      expect(issued.data).toEqual({
        accessToken: expect.any(String),
        tokenType: "Bearer",
        expiresIn: 300,
        sessionId: first.data.sessionId,
        user: first.data.user,
        refreshDue: false,
      });
      expect(issued.data.accessToken).not.toBe(first.data.accessToken);
      expect(await server.db.selectFrom("sessions").selectAll().execute()).toEqual(before);

      const me = () => calls.query("user.me", { token: issued.data.accessToken });
      expect((await me()).data.username).toBe("john");
      clock.advanceSeconds(306);
      expect((await me()).code).toBe("INVALID_TOKEN");
      expect((await calls.mutate("auth.refresh", {}, { cookies: sessionCookie(first) })).status).toBe(200);
    });

    it("[S79] issues tokens that end with the session, and none afterwards", async () => {
      const first = await browserSignIn();
      const { data } = await issue(first);
      await calls.mutate("auth.logout", undefined, { token: data.accessToken });
      expect((await calls.query("user.me", { token: data.accessToken })).code).toBe("INVALID_TOKEN");
      const refused = await issue(first);
      expect(refused.error).toMatchObject({ code: "SESSION_ENDED", details: { reason: "signed_out" } });
      expect(refused.cookies["lockstep-session"]).toMatchObject({ value: "", path: "/" });
    });

    it("[S51] issues no more scopes than the session was narrowed to", async () => {
      const scopes = ["profile:read"];
      const narrowed = await server.domain.signIn.withPassword({ ...typed("john", "secret"), scopes });
      const { data } = await calls.mutate("auth.issueAccessToken", undefined, {
        cookies: { "lockstep-session": narrowed.refreshToken },
      });
      const token = data.accessToken;
      expect(decodeJwt(token)["scope"]).toBe("profile:read");
      expect((await calls.query("user.me", { token })).status).toBe(200);
      expect((await calls.query("session.list", { token })).code).toBe("FIRST_PARTY_ONLY");
    });

    it("[S23] ends the session when a thief sends a cookie that was replaced before the grace window", async () => {
      const first = await browserSignIn();
      const second = await calls.mutate("auth.refresh", {}, { cookies: sessionCookie(first) });
      clock.advanceSeconds(testSessionLimits.graceSeconds);
      expect((await issue(first)).data.refreshDue).toBe(true);
      clock.advanceSeconds(1);
      expect((await issue(first)).error).toMatchObject({ code: "SESSION_ENDED", details: { reason: "reused" } });
      expect((await calls.query("user.me", { token: second.data.accessToken })).code).toBe("INVALID_TOKEN");
      const [entry] = (
        await signIn().then(({ data }) => calls.query("session.history", { token: data.accessToken }))
      ).data.filter(({ action }) => action === "session.reuse");
      expect(entry).toMatchObject({ action: "session.reuse" });
    });

    it.each<[string, Record<string, string>]>([
      ["this origin", { origin: "http://localhost:3000", "sec-fetch-site": "same-origin" }],
      ["this origin, in a browser without Sec-Fetch-Site", { origin: "http://localhost:3000" }],
      ["another origin of the same site", { origin: "http://localhost:3001", "sec-fetch-site": "same-site" }],
      ["another site", { origin: "https://evil.example", "sec-fetch-site": "cross-site" }],
      ["a browser that sends no Origin", { "sec-fetch-site": "same-origin" }],
      ["no origin, such as a sandboxed frame", { origin: "null" }],
    ])("[S82] refuses a page of %s, which a browser sends", async (_name, headers) => {
      const refused = await issue(await browserSignIn(), headers);
      expect([refused.status, refused.code, refused.cookies]).toEqual([403, "SERVERS_ONLY", {}]);
      expect(refused.data).toBeUndefined();
    });

    it.each([
      [{}],
      [{ "lockstep-session": "x" }],
      [{ "__Host-lockstep-session": `${"A".repeat(22)}.0.${"A".repeat(43)}` }],
    ])("[S37] answers the cookies %j, which are not ours, with 401 and no further details", async (cookies) => {
      const { status, error } = await calls.mutate("auth.issueAccessToken", undefined, { cookies });
      expect(status).toBe(401);
      expect(error).toMatchObject({ code: "SESSION_ENDED", details: { reason: "unknown" } });
    });
  });

  describe("from a page of another origin", () => {
    it.each<[string, Record<string, string>]>([
      ["another site", { origin: "https://evil.example", "sec-fetch-site": "cross-site" }],
      ["another origin of the same site", { origin: "http://localhost:3001", "sec-fetch-site": "same-site" }],
      ["a browser that sends no Sec-Fetch-Site", { origin: "https://evil.example" }],
      ["a browser that sends no Origin", { "sec-fetch-site": "cross-site" }],
      ["a sandboxed page", { origin: "null" }],
      ["the same host by https", { origin: "https://localhost:3000" }],
      ["a name that begins like ours", { origin: "http://localhost:3000.evil.example" }],
      ["a forged host", { origin: "http://evil.example", host: "evil.example" }],
    ])("[S82] refuses %s, and neither reads nor sets a cookie", async (_name, headers) => {
      const first = await browserSignIn();
      const before = await server.db.selectFrom("sessions").selectAll().execute();
      const refresh = await calls.mutate("auth.refresh", {}, { cookies: sessionCookie(first), headers });
      expect([refresh.status, refresh.code, refresh.cookies]).toEqual([403, "FOREIGN_ORIGIN", {}]);
      const login = await browserSignIn(sessionCookie(first), headers);
      expect([login.status, login.code, login.cookies]).toEqual([403, "FOREIGN_ORIGIN", {}]);
      expect(await server.db.selectFrom("sessions").selectAll().execute()).toEqual(before);
      const out = await calls.mutate("auth.logout", undefined, { token: first.data.accessToken, headers });
      expect([out.status, out.cookies]).toEqual([200, {}]);
    });

    it.each<[string, Record<string, string>]>([
      ["the page of this origin", { origin: "http://localhost:3000", "sec-fetch-site": "same-origin" }],
      ["a page reached by another name of this machine", { origin: "http://127.0.0.1:3000", host: "127.0.0.1:3000" }],
      ["a program, which sends neither header", {}],
    ])("[S82] accepts %s", async (_name, headers) => {
      const first = await browserSignIn({}, headers);
      expect(first.status).toBe(200);
      const refreshed = await calls.mutate("auth.refresh", {}, { cookies: sessionCookie(first), headers });
      expect(refreshed.status).toBe(200);
    });

    it.each<[string, Record<string, string>]>([
      ["a page that is served by http", { origin: "http://api.example.com" }],
      ["a page on this machine", { origin: "http://localhost:3000", host: "localhost:3000" }],
    ])("[S82] refuses %s over https", async (_name, headers) => {
      const input = { username: "john", password: "secret", transport: "cookie" } as const;
      expect((await secureCalls.mutate("auth.login", input, { headers })).code).toBe("FOREIGN_ORIGIN");
    });

    it("[S82] does not let pages of other origins read an answer", async () => {
      const { headers } = await signIn({ headers: { origin: "https://evil.example" } });
      expect(headers).not.toHaveProperty("access-control-allow-origin");
      const preflight = await server.app.inject({
        method: "OPTIONS",
        url: "/trpc/auth.login",
        headers: { origin: "https://evil.example", "access-control-request-method": "POST" },
      });
      expect(preflight.headers).not.toHaveProperty("access-control-allow-origin");
    });
  });
});

describe("a user's sessions", () => {
  it("[S81] are listed with their address and device, and the current one is marked", async () => {
    const first = await signIn({ address: "198.51.100.7", headers: { "user-agent": "a phone" } });
    clock.advanceSeconds(60);
    const second = await signIn({ address: "2001:db8::7", headers: { "user-agent": "a laptop" } });
    const { data, text } = await calls.query("session.list", { token: first.data.accessToken });
    expect(data.slice(0, 2)).toEqual([
      {
        id: second.data.sessionId,
        address: "2001:db8::7",
        userAgent: "a laptop",
        createdAt: clock.now(),
        lastSeenAt: clock.now(),
        current: false,
      },
      {
        id: first.data.sessionId,
        address: "198.51.100.7",
        userAgent: "a phone",
        createdAt: clock.now() - 60_000,
        lastSeenAt: clock.now() - 60_000,
        current: true,
      },
    ]);
    expect(data.filter(({ current }) => current)).toHaveLength(1);
    const [row] = await server.db.selectFrom("sessions").select("seed").execute();
    expect(text).not.toContain(row?.seed);
  });

  it("[S81] can be ended one by one, at once", async () => {
    const [first, second] = [await signIn(), await signIn()];
    const revoke = () =>
      calls.mutate("session.revoke", { sessionId: second.data.sessionId }, { token: first.data.accessToken });
    expect((await revoke()).status).toBe(200);
    expect((await calls.query("user.me", { token: second.data.accessToken })).code).toBe("INVALID_TOKEN");
    const refused = await calls.mutate("auth.refresh", { refreshToken: second.data.refreshToken });
    expect(refused.error).toMatchObject({ details: { reason: "revoked" } });
    expect((await revoke()).code).toBe("SESSION_NOT_FOUND");
  });

  it("[S55] [S81] can be ended by their owner only; another user's is not found", async () => {
    const { users, passwords } = server.domain;
    await users.create({
      username: `mallory${clock.now()}`,
      email: null,
      fullName: "Mallory",
      role: "admin",
      passwordHash: await passwords.hash("secret"),
    });
    const johns = await signIn();
    const hers = await calls.mutate("auth.login", { username: `mallory${clock.now()}`, password: "secret" });
    const token = hers.data.accessToken;
    const refused = await calls.mutate("session.revoke", { sessionId: johns.data.sessionId }, { token });
    expect([refused.status, refused.code]).toEqual([404, "SESSION_NOT_FOUND"]);
    expect((await calls.mutate("session.revoke", { sessionId: "nobodys" }, { token })).error).toEqual({
      ...refused.error,
      requestId: expect.any(String),
    });
    expect((await calls.mutate("session.revokeOthers", undefined, { token })).data).toEqual({ ended: 0 });
    expect((await calls.query("session.list", { token })).data.map(({ id }) => id)).toEqual([hers.data.sessionId]);
    expect((await calls.query("user.me", { token: johns.data.accessToken })).status).toBe(200);
  });

  it("[S81] can all be ended but the current one", async () => {
    await server.domain.sessions.endAllOf(johnsId, "revoked", { address: null, userAgent: null, requestId: null });
    const [mine, ...others] = [await signIn(), await signIn(), await browserSignIn()];
    const { data } = await calls.mutate("session.revokeOthers", undefined, { token: mine.data.accessToken });
    expect(data).toEqual({ ended: 2 });
    for (const { data } of others) {
      expect((await calls.query("user.me", { token: data.accessToken })).code).toBe("INVALID_TOKEN");
    }
    expect((await calls.query("user.me", { token: mine.data.accessToken })).status).toBe(200);
  });

  it("[S54] reflect a changed role, and a disabled account, at the next call", async () => {
    const { data } = await signIn();
    const me = () => calls.query("user.me", { token: data.accessToken });
    expect((await me()).data.role).toBe("user");
    await server.db.updateTable("users").set({ role: "admin" }).where("id", "=", johnsId).execute();
    expect((await me()).data.role).toBe("admin");
    await server.db.updateTable("users").set({ role: "user" }).where("id", "=", johnsId).execute();
    expect((await me()).data.role).toBe("user");
    await server.domain.accounts.disable(johnsId, { address: null, userAgent: null, requestId: null });
    expect((await me()).code).toBe("INVALID_TOKEN");
    const refused = await calls.mutate("auth.refresh", { refreshToken: data.refreshToken });
    expect(refused.error).toMatchObject({ details: { reason: "disabled" } });
    await server.domain.accounts.enable(johnsId, { address: null, userAgent: null, requestId: null });
    expect((await me()).code).toBe("INVALID_TOKEN");
  });
});

describe("changing the password", () => {
  const change = (token: string, currentPassword: string, newPassword = goodPassword) =>
    calls.mutate("user.changePassword", { currentPassword, newPassword }, { token });

  it("[S27] [S70] requires the current one, keeps this session and ends the others", async () => {
    const [mine, other] = [await signIn(), await signIn()];
    const wrong = await change(mine.data.accessToken, "wrong");
    expect([wrong.status, wrong.code]).toEqual([401, "INVALID_CREDENTIALS"]);
    expect((await calls.query("user.me", { token: other.data.accessToken })).status).toBe(200);

    expect((await change(mine.data.accessToken, "secret")).status).toBe(200);
    expect((await calls.query("user.me", { token: mine.data.accessToken })).status).toBe(200);
    expect((await calls.mutate("auth.refresh", { refreshToken: mine.data.refreshToken })).status).toBe(200);
    expect((await calls.query("user.me", { token: other.data.accessToken })).code).toBe("INVALID_TOKEN");
    const refused = await calls.mutate("auth.refresh", { refreshToken: other.data.refreshToken });
    expect(refused.error).toMatchObject({ details: { reason: "password_changed" } });
    expect((await signIn()).code).toBe("INVALID_CREDENTIALS");
    expect((await calls.mutate("auth.login", { username: "john", password: goodPassword })).status).toBe(200);
  });

  it("[S64] refuses a guessable one with the reason, and changes nothing", async () => {
    const { data } = await signIn();
    const refused = await change(data.accessToken, "secret", "password password");
    expect([refused.status, refused.code]).toEqual([400, "PASSWORD_REFUSED"]);
    expect((await signIn()).status).toBe(200);
  });

  it("[S42] [S70] [S84] requires a fresh sign-in, and says how fresh (RFC 9470)", async () => {
    const { data } = await signIn();
    clock.advanceSeconds(15 * 60 + 1);
    const refreshed = await calls.mutate("auth.refresh", { refreshToken: data.refreshToken });
    const token = refreshed.data.accessToken;
    const refused = await change(token, "secret");
    expect(refused.status).toBe(401);
    expect(refused.error).toMatchObject({ code: "REAUTHENTICATION_REQUIRED", details: { maxAgeSeconds: 900 } });
    expect(refused.headers["www-authenticate"]).toBe(
      `Bearer error="insufficient_user_authentication", max_age="900", ${resourceMetadata}`,
    );
    expect((await calls.query("user.me", { token })).status).toBe(200);
    expect((await change((await signIn()).data.accessToken, "secret")).status).toBe(200);
  });

  it("[S67] limits guesses of the current one, without preventing its owner from signing in", async () => {
    const { data } = await signIn();
    const codes = [];
    for (let index = 0; index < 6; index++) codes.push((await change(data.accessToken, `guess ${index}`)).code);
    expect(codes).toEqual([...Array(5).fill("INVALID_CREDENTIALS"), "TOO_MANY_ATTEMPTS"]);
    expect((await change(data.accessToken, "secret")).code).toBe("TOO_MANY_ATTEMPTS");
    expect((await signIn()).status).toBe(200);
  });
});

describe("the audit log", () => {
  const call = { address: "198.51.100.9", headers: { "user-agent": "an auditor's browser" } };
  const entryOf = async (answer: { headers: Record<string, unknown> }) =>
    (await server.domain.audit.list({ limit: 1000 })).filter(
      ({ source }) => source.requestId === answer.headers["x-request-id"],
    );
  const source = {
    address: call.address,
    userAgent: "an auditor's browser",
    requestId: expect.stringMatching(/^[\w-]{22}$/),
  };

  it("records who signed in, or tried to, from where and in which request", async () => {
    const done = await signIn(call);
    const { sessionId } = done.data;
    expect(await entryOf(done)).toMatchObject([
      { action: "sign_in", outcome: "done", userId: johnsId, sessionId, source, at: clock.now() },
    ]);
    const wrong = await calls.mutate("auth.login", { username: "john", password: "a wrong one" }, call);
    expect(await entryOf(wrong)).toMatchObject([
      { action: "sign_in", outcome: "refused", userId: johnsId, sessionId: null, source },
    ]);
    const unknown = await calls.mutate("auth.login", { username: "nobody", password: "a wrong one" }, call);
    expect(await entryOf(unknown)).toMatchObject([{ action: "sign_in", outcome: "refused", userId: null, source }]);
  });

  it("records who ended a session", async () => {
    const [mine, other] = [await signIn(), await signIn()];
    const token = mine.data.accessToken;
    const revoked = await calls.mutate("session.revoke", { sessionId: other.data.sessionId }, { token, ...call });
    expect(await entryOf(revoked)).toMatchObject([
      { action: "session.revoke", userId: johnsId, sessionId: other.data.sessionId, source },
    ]);
    const out = await calls.mutate("auth.logout", undefined, { token, ...call });
    expect(await entryOf(out)).toMatchObject([
      { action: "sign_out", userId: johnsId, sessionId: mine.data.sessionId, source },
    ]);
  });

  it("[S73] records a changed password, and shows it to the owner", async () => {
    const [mine, other] = [await signIn(), await signIn()];
    const token = mine.data.accessToken;
    const input = { currentPassword: "secret", newPassword: goodPassword };
    const changed = await calls.mutate("user.changePassword", input, { token, ...call });
    const { sessionId } = mine.data;
    expect(await entryOf(changed)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ action: "password.change", userId: johnsId, sessionId, source }),
        expect.objectContaining({
          action: "session.revoke",
          sessionId: other.data.sessionId,
          detail: { reason: "password_changed" },
        }),
      ]),
    );
    const { data: history } = await calls.query("session.history", { token });
    expect(history).toContainEqual({
      id: expect.any(String),
      at: clock.now(),
      action: "password.change",
      outcome: "done",
      sessionId,
      address: call.address,
      userAgent: "an auditor's browser",
    });
  });

  it("[S23] [S73] records the use of a replaced token, and shows it to the owner", async () => {
    const { data } = await signIn();
    await calls.mutate("auth.refresh", { refreshToken: data.refreshToken });
    clock.advanceSeconds(testSessionLimits.graceSeconds + 1);
    const reused = await calls.mutate("auth.refresh", { refreshToken: data.refreshToken }, call);
    expect(reused.error).toMatchObject({ code: "SESSION_ENDED", details: { reason: "reused" } });
    expect(await entryOf(reused)).toMatchObject([
      { action: "session.reuse", userId: johnsId, sessionId: data.sessionId, source },
    ]);
    const { data: history } = await calls.query("session.history", { token: (await signIn()).data.accessToken });
    expect(history).toContainEqual(
      expect.objectContaining({ action: "session.reuse", sessionId: data.sessionId, address: call.address }),
    );
  });

  it("shows users only their own history, the newest first", async () => {
    const { data } = await signIn();
    await calls.mutate("auth.login", { username: "nobody", password: "x" });
    const { data: history } = await calls.query("session.history", { token: data.accessToken });
    expect(history[0]).toMatchObject({ action: "sign_in", sessionId: data.sessionId });
    expect(history.map(({ at }) => at)).toEqual(history.map(({ at }) => at).sort((a, b) => b - a));
    const johns = await server.db.selectFrom("audit_log").select("id").where("user_id", "=", johnsId).execute();
    const ids = new Set(johns.map(({ id }) => id));
    expect(history.every(({ id }) => ids.has(id))).toBe(true);
  });

  it("contains no password and no token, nor does any other table", async () => {
    const first = await signIn();
    const second = await calls.mutate("auth.refresh", { refreshToken: first.data.refreshToken });
    await calls.mutate("auth.login", { username: "john", password: "an unlucky guess" });
    await calls.mutate("auth.refresh", { refreshToken: first.data.refreshToken });
    const tables = ["audit_log", "sessions", "throttles", "users"] as const;
    const stored = JSON.stringify(
      await Promise.all(tables.map((table) => server.db.selectFrom(table).selectAll().execute())),
    );
    const secrets = [
      "an unlucky guess",
      first.data.accessToken,
      first.data.deviceToken?.split(".")[1],
      ...[first, second].map(({ data }) => data.refreshToken?.split(".")[2]),
    ];
    for (const secret of secrets) {
      expect(secret).toBeTruthy();
      expect(stored).not.toContain(secret);
    }
  });
});

describe("the public keys", () => {
  it("[S50] are public, cached for at most a minute, without their private parts", async () => {
    const { statusCode, headers, body } = await server.app.inject("/jwks");
    expect(statusCode).toBe(200);
    expect(headers["content-type"]).toContain("application/jwk-set+json");
    expect(headers["access-control-allow-origin"]).toBe("*");
    expect(headers["cache-control"]).toBe("public, max-age=60, stale-while-revalidate=60");
    const { keys } = JSON.parse(body) as { keys: Record<string, string>[] };
    const [ec = {}, rsa = {}] = keys;
    expect(keys).toHaveLength(2);
    expect(Object.keys(ec).sort()).toEqual(["alg", "crv", "kid", "kty", "use", "x", "y"]);
    expect(ec).toMatchObject({ alg: "ES256", crv: "P-256", kty: "EC", use: "sig" });
    expect(Object.keys(rsa).sort()).toEqual(["alg", "e", "kid", "kty", "n", "use"]);
    expect(rsa).toMatchObject({ alg: "RS256", kty: "RSA", use: "sig" });
    const { accessToken } = await server.domain.signIn.withPassword(typed(john.username, john.password));
    const header = JSON.parse(Buffer.from(accessToken.split(".")[0] ?? "", "base64url").toString()) as { kid: string };
    expect(keys.map(({ kid }) => kid)).toContain(header.kid);
  });

  it("[S50] are published before they sign, and removed once they are retired", async () => {
    await using other = await startTestServer({ now: clock.now });
    const kids = async () =>
      ((await other.app.inject("/jwks")).json() as { keys: { kid: string; alg: string }[] }).keys
        .filter(({ alg }) => alg === "ES256")
        .map(({ kid }) => kid);
    const [first = ""] = await kids();
    await other.domain.keyring.rotate({ address: null, userAgent: null, requestId: null });
    const [, second] = await kids();
    expect(await kids()).toEqual([first, second]);
    clock.advanceSeconds(600);
    await other.domain.keyring.retire(first, { address: null, userAgent: null, requestId: null });
    expect(await kids()).toEqual([second]);
  });
});

describe("a streamed answer (httpBatchStreamLink), which can set no cookies", () => {
  const streamed = async (path: string, input: object, cookie = "") => {
    const { body, headers } = await server.app.inject({
      method: "POST",
      url: `/trpc/${path}?batch=1`,
      headers: { "content-type": "application/json", "trpc-accept": "application/jsonl", cookie },
      payload: JSON.stringify({ 0: input }),
    });
    return { body, setsCookie: "set-cookie" in headers };
  };

  it("[S22] redeems no refresh token of a cookie, and starts no session that has one", async () => {
    const { cookies } = await browserSignIn();
    const cookie = `lockstep-session=${cookies["lockstep-session"]?.value}`;
    const rows = () => server.db.selectFrom("sessions").selectAll().orderBy("id").execute();
    const before = await rows();
    expect((await streamed("auth.refresh", {}, cookie)).body).toContain("CREDENTIALS_IN_BATCH");
    const login = { username: "john", password: "secret", transport: "cookie" };
    expect((await streamed("auth.login", login)).body).toContain("CREDENTIALS_IN_BATCH");
    expect(await rows()).toEqual(before);
  });

  it("[S104] mails no code that is bound to the cookie of a browser", async () => {
    const codes = () => server.db.selectFrom("proofs").selectAll().execute();
    const before = await codes();
    for (const [path, input] of [
      ["account.register", { email: "new@example.com" }],
      ["account.recover", { login: "john" }],
    ] as const) {
      expect((await streamed(path, { ...input, transport: "cookie" })).body).toContain("CREDENTIALS_IN_BATCH");
    }
    expect(await codes()).toEqual(before);
  });

  it("has the tokens of clients without cookies", async () => {
    const { body, setsCookie } = await streamed("auth.login", { username: "john", password: "secret" });
    expect(body).toContain("refreshToken");
    expect(setsCookie).toBe(false);
  });
});
