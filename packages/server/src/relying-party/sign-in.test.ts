// Regular sign-ins, with a certified identity provider on the other side.

import { describe, expect, it } from "vitest";
import { openBrowser } from "../../test/browser-trip.ts";
import { callsTo } from "../../test/calls.ts";
import { engines } from "../../test/engines.ts";
import { startDemoProvider } from "../demo-provider.ts";
import { john, startTestServer, testClock, testSource } from "../testing.ts";

describe.each(engines)("signing in through an identity provider on $engine", ({ newDatabase }) => {
  const start = async (now?: () => number) => {
    const [database, provider] = await Promise.all([newDatabase("migrated"), startDemoProvider("demo", 0)]);
    const server = await startTestServer({
      databaseUrl: database.url,
      config: { providers: [provider.settings] },
      ...(now && { now }),
    });
    await provider.serve({ publicUrl: server.config.publicUrl, reachableAt: server.url });
    const calls = callsTo(server.app);
    return {
      ...server,
      ...calls,
      browser: () => openBrowser(server.app),
      /** Signs in as a page in the browser does. */
      refresh: async (browser: ReturnType<typeof openBrowser>) => {
        const answer = await calls.mutate("auth.refresh", {}, { cookies: sessionCookie(browser) });
        const rotated = answer.cookies["lockstep-session"];
        if (rotated) browser.ours.set(rotated.name, rotated.value);
        return answer;
      },
      /** A browser in which john signed in with his password. */
      johnsBrowser: async () => {
        const browser = openBrowser(server.app);
        const login = { username: john.username, password: john.password, transport: "cookie" } as const;
        const { cookies, data } = await calls.mutate("auth.login", login);
        browser.ours.set("lockstep-session", cookies["lockstep-session"]?.value ?? "");
        return { browser, token: data.accessToken, sessionId: data.sessionId };
      },
      async [Symbol.asyncDispose]() {
        await provider.end();
        await server.close();
        await database.drop();
      },
    };
  };

  const sessionCookie = (browser: ReturnType<typeof openBrowser>) => ({
    "lockstep-session": browser.ours.get("lockstep-session") ?? "",
  });

  it("lists the identity providers for anyone, and what needs mail", async () => {
    await using server = await start();
    expect((await server.query("auth.methods")).data).toEqual({
      providers: [{ name: "demo", label: "Demo", canReauthenticate: true }],
      signUp: "open",
      recovery: true,
      signInCode: false,
      passkeys: true,
    });
  });

  it("creates an account the first time, finds it the next time, and starts an ordinary session", async () => {
    await using server = await start();
    const browser = server.browser();
    const first = await browser.trip("/login/demo?returnTo=/photos%3Fx%3D1", "ada");
    expect([first.statusCode, first.headers.location]).toEqual([303, "/photos?x=1"]);
    expect(first.cookies).toContainEqual(
      expect.objectContaining({ name: "lockstep-session", httpOnly: true, sameSite: "Strict", path: "/" }),
    );
    expect(browser.ours.names().sort()).toEqual(["lockstep-device", "lockstep-session"]);
    const { data } = await server.refresh(browser);
    expect(data.user).toMatchObject({ username: "ada", fullName: "Ada Lovelace", email: "ada@demo.example" });

    const elsewhere = server.browser();
    await elsewhere.trip("/login/demo", "ada");
    expect((await server.refresh(elsewhere)).data.user.id).toBe(data.user.id);
    const trail = await server.domain.audit.list({ userId: data.user.id, limit: 10 });
    expect(trail.map(({ action }) => action).toSorted()).toEqual([
      "identity.link",
      "sign_in",
      "sign_in",
      "user.create",
    ]);
    expect(trail.find(({ action }) => action === "sign_in")?.detail).toEqual({ provider: "demo" });
  });

  it("[S73] tells the owner about a new browser, and not about one that signed in before", async () => {
    const clock = testClock();
    await using server = await start(clock.now);
    const browser = server.browser();
    const subjects = async (by: ReturnType<typeof openBrowser>) => {
      await by.trip("/login/demo", "ada");
      clock.advanceSeconds(25 * 60 * 60);
      return (await server.mails()).map(({ subject }) => subject);
    };
    const notice = "New sign-in to your Lockstep account";
    expect(await subjects(browser)).toEqual([notice]);
    expect(await subjects(browser)).toEqual([notice]);
    expect(await subjects(server.browser())).toEqual([notice, notice]);
  });

  it("leads the owner of an account that is to be deleted to the page that keeps it, and nobody else", async () => {
    await using server = await start();
    const browser = server.browser();
    await browser.trip("/login/demo", "ada");
    const { user, accessToken: token } = (await server.refresh(browser)).data;
    await server.mutate("account.delete", undefined, { token });
    const { location = "" } = (await server.browser().trip("/login/demo", "ada")).headers;
    expect(location).toMatch(/^\/proof#[\w-]{27}$/);
    const secret = String(location).split("#")[1] ?? "";
    expect((await server.mutate("account.cancelDeletion", { secret })).data).toEqual({ username: "ada" });
    await server.domain.deletions.requestByOperator(user.id, { immediately: false }, testSource);
    expect((await server.browser().trip("/login/demo", "ada")).headers.location).toMatch("problem=disabled");
  });

  it("ends the browser's earlier session", async () => {
    await using server = await start();
    const { browser, sessionId } = await server.johnsBrowser();
    await browser.trip("/login/demo", "ada");
    expect(await server.domain.sessions.endReason(sessionId)).toBe("signed_out");
  });

  it("[S59] links for a fresh session in the browser that asked, and for nobody else", async () => {
    const clock = testClock();
    await using server = await start(clock.now);
    const { browser, token } = await server.johnsBrowser();
    const input = { provider: "demo", returnTo: "/linked-accounts?linked=demo" };
    expect((await server.mutate("identity.link", { provider: "nobody" }, { token })).code).toBe("PROVIDER_NOT_FOUND");
    const ticket = async () => (await server.mutate("identity.link", input, { token })).data.continueAt;

    // Sent to another person, whose identity it would link to john's account.
    const refused = "/linked-accounts?problem=session_ended&provider=demo";
    const eve = server.browser();
    await eve.trip("/login/demo", "eve");
    expect((await eve.visit(await ticket())).headers.location).toBe(refused);
    expect((await server.browser().visit(await ticket())).headers.location).toBe(
      "/sign-in?problem=session_ended&provider=demo",
    );
    // A link on another site brings the browser without its session cookie.
    expect((await browser.visit(await ticket(), "cross-site")).headers.location).toMatch("problem=session_ended");
    const late = await ticket();
    clock.advanceSeconds(121);
    expect((await browser.visit(late)).headers.location).toBe(refused);

    const linked = await browser.trip(await ticket(), "johnny");
    expect([linked.statusCode, linked.headers.location]).toEqual([303, "/linked-accounts?linked=demo"]);
    const list = await server.query("identity.list", { token });
    expect(list.data).toMatchObject({
      hasPassword: true,
      identities: [{ provider: { name: "demo", label: "Demo" }, email: "johnny@demo.example" }],
    });
    await browser.trip("/login/demo", "johnny");
    expect((await server.refresh(browser)).data.user.username).toBe(john.username);
  });

  it("[S59] refuses to link or unlink without a fresh sign-in", async () => {
    const clock = testClock();
    await using server = await start(clock.now);
    const { browser } = await server.johnsBrowser();
    clock.advanceSeconds(15 * 60 + 1);
    const { data } = await server.refresh(browser);
    const token = data.accessToken;
    const link = await server.mutate("identity.link", { provider: "demo" }, { token });
    const unlink = await server.mutate("identity.unlink", { identityId: "any" }, { token });
    expect([link.code, unlink.code]).toEqual(["REAUTHENTICATION_REQUIRED", "REAUTHENTICATION_REQUIRED"]);
    expect((await server.query("identity.list", { token })).code).toBe("OK");
  });

  it("asks the identity provider for a new sign-in when a fresh one is needed", async () => {
    await using server = await start();
    const browser = server.browser();
    await browser.trip("/login/demo", "ada");
    const silent = await browser.visit("/login/demo");
    expect(await browser.atProvider(String(silent.headers.location))).toHaveProperty("location");
    const fresh = await browser.visit("/login/demo?fresh=1");
    expect(await browser.atProvider(String(fresh.headers.location))).toHaveProperty("page");
    expect((await browser.trip("/login/demo?fresh=1", "ada")).headers.location).toBe("/");
  });

  it("[S60] ends at once, with the reason, when they sign out at the identity provider", async () => {
    await using server = await start();
    const browser = server.browser();
    await browser.trip("/login/demo", "ada");
    const { data } = await server.refresh(browser);
    const { issuer } = server.config.providers[0] ?? { issuer: "" };
    const question = await browser.atProvider(`${issuer}/session/end`);
    if (!("page" in question)) throw new Error("The provider does not ask");
    // The provider notifies us before it responds.
    await browser.submit(question, { logout: "yes" });
    expect((await server.query("user.me", { token: data.accessToken })).code).toBe("INVALID_TOKEN");
    const after = await server.refresh(browser);
    expect(after.error).toMatchObject({ code: "SESSION_ENDED", details: { reason: "provider_signed_out" } });
  });

  it("also signs out at the identity provider when they sign out here", async () => {
    await using server = await start();
    const browser = server.browser();
    await browser.trip("/login/demo", "ada");
    const { data } = await server.refresh(browser);
    const out = await server.mutate("auth.logout", undefined, { token: data.accessToken });
    const there = await browser.visit(out.data.continueAt ?? "");
    const address = new URL(String(there.headers.location));
    expect(address.searchParams.get("post_logout_redirect_uri")).toBe(`${server.config.publicUrl}/sign-in`);
    const question = await browser.atProvider(address.href);
    if (!("page" in question)) throw new Error("The provider does not ask");
    expect(await browser.submit(question, { logout: "yes" })).toEqual({
      location: expect.stringMatching(`^${server.config.publicUrl}/sign-in`),
    });
    // The next person has to sign in.
    const next = await browser.visit("/login/demo");
    expect(await browser.atProvider(String(next.headers.location))).toHaveProperty("page");
  });

  it("does not sign out at the identity provider when the session started with a password", async () => {
    await using server = await start();
    const { token } = await server.johnsBrowser();
    expect((await server.mutate("auth.logout", undefined, { token })).data).toEqual({});
    for (const path of ["/login/demo/logout", "/login/demo/logout?hint=x", "/login/nobody/logout"]) {
      const response = await server.browser().visit(path);
      expect([response.statusCode, response.headers.location]).toEqual([303, `${server.config.publicUrl}/sign-in`]);
    }
  });
});
