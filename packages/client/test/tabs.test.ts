// The tabs of one browser, with Node's own Web Locks and BroadcastChannel. `browser.test.ts` has real tabs.

import { createClient, memoryTokens, sessionOf } from "@lockstep/client";
import { john, startTestServer, testClock, testSource } from "@lockstep/server/testing";
import { afterEach, describe, expect, it } from "vitest";
import { browserTabs, type TabsOptions } from "../src/tabs.ts";
import { complete, cookieJar, recorded, refreshes } from "./requests.ts";

const credentials = { username: john.username, password: john.password };

const channels: BroadcastChannel[] = [];
afterEach(() => {
  for (const channel of channels.splice(0)) channel.close();
});
const createChannel = (name: string) => {
  const channel = new BroadcastChannel(name);
  channels.push(channel);
  return channel;
};

/** A browser with `count` tabs of one origin, and a server. */
const openTabs = async (count: number, locks: LockManager | null, options: TabsOptions = {}) => {
  const clock = testClock();
  const server = await startTestServer({ now: clock.now });
  const network = recorded(cookieJar(server.url).fetch);
  const open = () => {
    const tokens = memoryTokens();
    const reasons: string[] = [];
    const client = createClient({
      url: server.url,
      transport: "cookie",
      tokens,
      fetch: network.fetch,
      now: clock.now,
      tabs: browserTabs(server.url, { locks, createChannel, ...options }),
      onSignedOut: (reason) => reasons.push(reason),
    });
    return { client, tokens, reasons, session: sessionOf(client) };
  };
  const [first, ...others] = Array.from({ length: count }, open);
  if (!first) throw new Error("No tabs");
  return { server, clock, network, first, tabs: [first, ...others], open, [Symbol.asyncDispose]: server.close };
};

describe.each([
  ["Web Locks", navigator.locks],
  ["an election", null],
])("tabs with %s", (_, locks) => {
  it("find the session with one refresh when all load at once", async () => {
    await using browser = await openTabs(5, locks);
    await createClient({
      url: browser.server.url,
      transport: "cookie",
      fetch: browser.network.fetch,
    }).auth.login.mutate(credentials);
    await Promise.all(browser.tabs.map(({ session }) => session.restore()));
    expect(browser.tabs.map(({ session }) => session.get())).toEqual(
      Array(5).fill(
        expect.objectContaining({ status: "signedIn", user: expect.objectContaining({ username: "john" }) }),
      ),
    );
    expect(refreshes(browser.network.requests)).toHaveLength(1);
  });

  it("refresh once when the token expires, and none is signed out", async () => {
    await using browser = await openTabs(5, locks);
    const { first, tabs, clock, network } = browser;
    await first.client.auth.login.mutate(credentials);
    await expect.poll(() => tabs.every(({ tokens }) => tokens.get())).toBe(true);
    for (let times = 1; times <= 3; times++) {
      clock.advanceSeconds(3600);
      await Promise.all(tabs.map(({ client }) => client.user.me.query()));
      expect(refreshes(network.requests)).toHaveLength(times);
      expect(new Set(tabs.map(({ tokens }) => tokens.get()?.accessToken)).size).toBe(1);
    }
    expect(tabs.flatMap(({ reasons }) => reasons)).toEqual([]);
  });

  it("continue when the tab that refreshes cannot reach the server", async () => {
    await using browser = await openTabs(3, locks);
    const { first, tabs, clock, network } = browser;
    await first.client.auth.login.mutate(credentials);
    await expect.poll(() => tabs.every(({ tokens }) => tokens.get())).toBe(true);
    clock.advanceSeconds(3600);
    let failed = 0;
    network.answer = (path) =>
      path.endsWith("auth.refresh") && failed++ === 0 ? Promise.reject(new TypeError("fetch failed")) : null;
    await Promise.all(tabs.map(({ client }) => client.user.me.query()));
    expect(refreshes(network.requests).filter(({ status }) => status === 200)).toHaveLength(1);
  });
});

describe("a tab that the browser has frozen during its turn", () => {
  it("does not keep the others from refreshing when it has the lock", async () => {
    await using browser = await openTabs(3, navigator.locks, { lockWaitMs: 20 });
    const { first, tabs, clock, network, server } = browser;
    await first.client.auth.login.mutate(credentials);
    await expect.poll(() => tabs.every(({ tokens }) => tokens.get())).toBe(true);
    const frozen = Promise.withResolvers<void>();
    const locked = Promise.withResolvers<void>();
    const turn = navigator.locks.request(server.url, () => {
      locked.resolve();
      return frozen.promise;
    });
    await locked.promise;
    clock.advanceSeconds(3600);
    const answers = await Promise.all(tabs.map(({ client }) => client.user.me.query()));
    expect(answers.map(({ username }) => username)).toEqual(Array(3).fill(john.username));
    expect(refreshes(network.requests).length).toBeGreaterThan(0);
    expect(tabs.flatMap(({ reasons }) => reasons)).toEqual([]);
    frozen.resolve();
    await turn;
  });

  it("does not keep the others from refreshing when it was elected", async () => {
    await using browser = await openTabs(3, null);
    const { first, tabs, clock } = browser;
    await first.client.auth.login.mutate(credentials);
    await expect.poll(() => tabs.every(({ tokens }) => tokens.get())).toBe(true);
    clock.advanceSeconds(3600);
    const taken = Promise.withResolvers<void>();
    browser.network.answer = (path) => {
      if (!path.endsWith("auth.refresh")) return null;
      browser.network.answer = () => null;
      taken.resolve();
      return new Promise(() => {});
    };
    const abort = new AbortController();
    const unanswered = first.client.user.me.query(undefined, { signal: abort.signal }).catch(() => null);
    await taken.promise;
    // Closed channels object to nothing, as those of a frozen tab.
    for (const channel of channels.splice(0, 2)) channel.close();
    const answers = await Promise.all(tabs.slice(1).map(({ client }) => client.user.me.query()));
    expect(answers.map(({ username }) => username)).toEqual(Array(2).fill(john.username));
    abort.abort();
    expect(await unanswered).toBeNull();
  });
});

describe("all tabs are notified", () => {
  it("when a user signs in and signs out", async () => {
    await using browser = await openTabs(3, navigator.locks);
    const { first, tabs, network } = browser;
    await Promise.all(tabs.map(({ session }) => session.restore()));
    expect(refreshes(network.requests)).toHaveLength(1);

    await first.client.auth.login.mutate(credentials);
    await expect.poll(() => tabs.every(({ session }) => session.get().status === "signedIn")).toBe(true);
    await Promise.all(tabs.map(({ client }) => client.user.me.query()));
    await tabs[1]?.client.auth.logout.mutate();
    await expect.poll(() => tabs.map(({ reasons }) => reasons)).toEqual(Array(3).fill(["signed_out"]));
    expect(refreshes(network.requests)).toHaveLength(1);
  });

  it("once each when the session is revoked", async () => {
    await using browser = await openTabs(3, navigator.locks);
    const { first, tabs, server } = browser;
    const { user } = complete(await first.client.auth.login.mutate(credentials));
    await expect.poll(() => tabs.every(({ tokens }) => tokens.get())).toBe(true);
    await server.domain.sessions.endAllOf(user.id, "revoked", testSource);
    await Promise.allSettled(tabs.map(({ client }) => client.user.me.query()));
    await expect.poll(() => tabs.map(({ reasons }) => reasons)).toEqual(Array(3).fill(["revoked"]));
    expect(tabs.map(({ tokens }) => tokens.get())).toEqual([null, null, null]);
  });

  it("when another session replaces theirs", async () => {
    await using browser = await openTabs(2, navigator.locks);
    const { first, tabs } = browser;
    await first.client.auth.login.mutate(credentials);
    const { sessionId } = complete(await first.client.auth.login.mutate(credentials));
    await expect.poll(() => tabs[1]?.session.get()).toMatchObject({ status: "signedIn", sessionId });
    expect(await first.client.session.list.query()).toHaveLength(1);
    expect(tabs.flatMap(({ reasons }) => reasons)).toEqual([]);
  });

  it("of nothing where a server renders pages", () => {
    expect(browserTabs("https://api.example.com")).toBeNull();
  });
});
