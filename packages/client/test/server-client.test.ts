// Calls that a web server makes while it renders a page.

import { createClient, errorOf, memoryTokens, sessionOf } from "@lockstep/client";
import { createServerClient } from "@lockstep/client/server";
import { john, startTestServer, testClock } from "@lockstep/server/testing";
import { safe } from "@trpc/client";
import { describe, expect, it } from "vitest";
import { cookieJar, recorded, refreshes } from "./requests.ts";

const credentials = { username: john.username, password: john.password };

describe("a client for one request", () => {
  it.each([
    ["of the Fetch API", (authorization: string) => new Headers({ authorization })],
    ["of node:http", (authorization: string) => ({ authorization, accept: "*/*" })],
  ])("uses the bearer token of headers %s, and never refreshes it", async (_, headersWith) => {
    const clock = testClock();
    await using server = await startTestServer({ now: clock.now });
    const { accessToken, expiresIn } = await createClient({ url: server.url }).auth.login.mutate(credentials);
    const network = recorded(globalThis.fetch);
    const headers = headersWith(`Bearer ${accessToken}`);
    const client = createServerClient({ url: server.url, headers, fetch: network.fetch });
    expect((await client.user.me.query()).username).toBe(john.username);

    clock.advanceSeconds(expiresIn + 60);
    const [, error] = await safe(client.user.me.query());
    expect(errorOf("user.me", error)?.code).toBe("INVALID_TOKEN");
    expect(refreshes(network.requests)).toHaveLength(0);
  });

  it("redeems the session cookie when it can pass the new one to the browser, whose session then goes on", async () => {
    const clock = testClock();
    await using server = await startTestServer({ now: clock.now });
    const browser = cookieJar(server.url);
    const page = createClient({ url: server.url, transport: "cookie", fetch: browser.fetch, now: clock.now });
    await page.auth.login.mutate(credentials);
    const before = browser.cookies.get("lockstep-session");
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join("; ");

    const client = createServerClient({
      url: server.url,
      headers: { cookie, "user-agent": "Somebody's browser" },
      setCookies: (cookies) => browser.receive(cookies),
    });
    const [me, sessions] = await Promise.all([client.user.me.query(), client.session.list.query()]);
    expect(me.username).toBe(john.username);
    expect(sessions).toMatchObject([{ current: true, userAgent: "Somebody's browser" }]);
    expect(browser.cookies.get("lockstep-session")).not.toBe(before);

    clock.advanceSeconds(3600);
    expect((await page.user.me.query()).username).toBe(john.username);
    expect(sessionOf(page).get().status).toBe("signedIn");
  });

  it("does not use the session cookie without setCookies", async () => {
    await using server = await startTestServer();
    const browser = cookieJar(server.url);
    const page = createClient({ url: server.url, transport: "cookie", fetch: browser.fetch });
    await page.auth.login.mutate(credentials);
    const cookie = `lockstep-session=${browser.cookies.get("lockstep-session")}`;
    const network = recorded(globalThis.fetch);
    const client = createServerClient({ url: server.url, headers: { cookie }, fetch: network.fetch });
    const [, error] = await safe(client.user.me.query());
    expect(errorOf("user.me", error)?.code).toBe("UNAUTHENTICATED");
    expect(refreshes(network.requests)).toHaveLength(0);
  });

  it("shares nothing with the client of another request", async () => {
    await using server = await startTestServer();
    const { accessToken } = await createClient({ url: server.url }).auth.login.mutate(credentials);
    const headers = { authorization: `Bearer ${accessToken}` };
    await createServerClient({ url: server.url, headers }).user.me.query();
    const [, error] = await safe(createServerClient({ url: server.url, headers: {} }).user.me.query());
    expect(errorOf("user.me", error)?.code).toBe("UNAUTHENTICATED");
    expect(memoryTokens().get()).toBeNull();
  });
});
