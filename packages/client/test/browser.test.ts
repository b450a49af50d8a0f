// The tabs of a real browser: one session, one refresh.

import { launchBrowser, skippedWithoutBrowser } from "@lockstep/server/browser-testing";
import { john, startTestServer, testClock, testSource } from "@lockstep/server/testing";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { bundled } from "./bundled.ts";
import type { TestPage } from "./page.ts";

declare const page: TestPage;

let browser: Browser;
let script: string;

/** Freezes a page, as browsers do with background tabs. Returns a function that resumes it. */
const freeze = async (tab: Page) => {
  const frozen = Promise.withResolvers<void>();
  const thawed = Promise.withResolvers<void>();
  await tab.route("**/frozen", async (route) => {
    frozen.resolve();
    await thawed.promise;
    await route.fulfill({ body: "" });
  });
  void tab.evaluate(() => {
    const request = new XMLHttpRequest();
    request.open("GET", "/frozen", false);
    request.send();
  });
  await frozen.promise;
  return () => thawed.resolve();
};

const heldLocks = (tab: Page) => tab.evaluate(async () => (await navigator.locks.query()).held?.length);

describe.skipIf(skippedWithoutBrowser("tests of the client in tabs of a browser"))("the tabs of a browser", () => {
  beforeAll(async () => {
    script = await bundled("page.ts");
    browser = await launchBrowser();
  });
  afterAll(() => browser?.close());

  /** A server, and tabs at its address that have loaded one of our pages. */
  const open = async ({ count = 5, webLocks = true } = {}) => {
    const clock = testClock();
    const server = await startTestServer({ now: clock.now });
    const asked = { refreshes: 0 };
    server.app.server.on("request", (request) => {
      if (request.url === "/trpc/auth.refresh") asked.refreshes++;
    });
    const context = await browser.newContext();
    context.setDefaultTimeout(inject("patienceMs"));
    await context.route("**/tab", (route) =>
      route.fulfill({ contentType: "text/html", body: '<!doctype html><script src="/tab.js"></script>' }),
    );
    await context.route("**/tab.js", (route) => route.fulfill({ contentType: "text/javascript", body: script }));
    if (!webLocks) {
      await context.addInitScript(() => Object.defineProperty(navigator, "locks", { value: undefined }));
    }
    const tabs = await Promise.all(Array.from({ length: count }, () => context.newPage()));
    const load = () => Promise.all(tabs.map((tab) => tab.goto(`${server.url}/tab`)));
    await load();
    return {
      server,
      tabs,
      asked,
      load,
      passOnServer: clock.advanceSeconds,
      async pass(seconds: number) {
        clock.advanceSeconds(seconds);
        await Promise.all(tabs.map((tab) => tab.evaluate((by) => page.advanceClock(by), seconds)));
      },
      async [Symbol.asyncDispose]() {
        await context.close();
        await server.close();
      },
    };
  };

  const signIn = async (tabs: readonly Page[]) => {
    const credentials = { username: john.username, password: john.password };
    const user = await tabs[0]?.evaluate(async (typed) => {
      const answer = await page.client.auth.login.mutate(typed);
      return answer.status === "signed_in" ? answer.user : undefined;
    }, credentials);
    await expect
      .poll(() => Promise.all(tabs.map((tab) => tab.evaluate(() => page.state().status))))
      .toEqual(Array(tabs.length).fill("signedIn"));
    if (!user) throw new Error("Nobody was signed in");
    return user;
  };
  const names = (tabs: readonly Page[]) => Promise.all(tabs.map((tab) => tab.evaluate(() => page.name())));
  const reasons = (tabs: readonly Page[]) => Promise.all(tabs.map((tab) => tab.evaluate(() => page.reasons)));
  const everybody = Array(5).fill(john.username);

  it("refresh once when the token expires, and none is signed out", async () => {
    await using world = await open();
    await signIn(world.tabs);
    expect(await names(world.tabs)).toEqual(everybody);
    expect(world.asked.refreshes).toBe(0);

    await world.pass(3600);
    expect(await names(world.tabs)).toEqual(everybody);
    expect(world.asked.refreshes).toBe(1);

    // Now only the server's clock has passed the expiry: each tab is refused first.
    world.passOnServer(3600);
    expect(await names(world.tabs)).toEqual(everybody);
    expect(world.asked.refreshes).toBe(2);
    expect(await reasons(world.tabs)).toEqual([[], [], [], [], []]);
  });

  describe.each([
    ["with Web Locks", true],
    ["without Web Locks", false],
  ])("%s", (_, webLocks) => {
    it("refresh when the token expires in 20 of them, and none is signed out: once with Web Locks", async () => {
      await using world = await open({ count: 20, webLocks });
      expect(await world.tabs[0]?.evaluate(() => navigator.locks !== undefined)).toBe(webLocks);
      await signIn(world.tabs);
      for (let times = 1; times <= 2; times++) {
        await world.pass(3600);
        expect(await names(world.tabs)).toEqual(Array(20).fill(john.username));
        // Without Web Locks, a tab that the machine is too slow to run does not object to another's turn.
        if (webLocks) expect(world.asked.refreshes).toBe(times);
        else expect(world.asked.refreshes).toBeGreaterThanOrEqual(times);
      }
      expect((await reasons(world.tabs)).flat()).toEqual([]);
    });

    it("continue after one was frozen for longer than the grace window", async () => {
      await using world = await open({ webLocks });
      await signIn(world.tabs);
      const [first, ...others] = world.tabs;
      if (!first) throw new Error("No tabs");
      if (webLocks) await expect.poll(() => heldLocks(first)).toBe(0);
      const thaw = await freeze(first);
      for (let times = 1; times <= 2; times++) {
        world.passOnServer(3600);
        expect(await names(others)).toEqual(everybody.slice(1));
      }
      thaw();
      expect(await names(world.tabs)).toEqual(everybody);
      expect((await reasons(world.tabs)).flat()).toEqual([]);
    });
  });

  it("without Web Locks, continue after one was frozen in the middle of a refresh", async () => {
    await using world = await open({ webLocks: false });
    await signIn(world.tabs);
    const [first, ...others] = world.tabs;
    if (!first) throw new Error("No tabs");
    const asked = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    await first.route("**/auth.refresh", async (route) => {
      asked.resolve();
      await released.promise;
      await route.continue();
    });
    await world.pass(3600);
    const answer = first.evaluate(() => page.name());
    await asked.promise;
    const thaw = await freeze(first);
    released.resolve();
    await expect.poll(() => world.asked.refreshes).toBe(1);
    for (let times = 1; times <= 2; times++) {
      world.passOnServer(3600);
      expect(await names(others)).toEqual(everybody.slice(1));
    }
    thaw();
    expect(await answer).toBe(john.username);
    expect(await names(world.tabs)).toEqual(everybody);
    expect((await reasons(world.tabs)).flat()).toEqual([]);
  });

  it("find their session with one refresh when the browser reopens all of them", async () => {
    await using world = await open();
    await signIn(world.tabs);
    await world.load();
    expect(world.asked.refreshes).toBe(0);
    expect(await names(world.tabs)).toEqual(everybody);
    expect(world.asked.refreshes).toBe(1);
    expect(await world.tabs[0]?.evaluate(() => document.cookie)).toBe("");
  });

  it("continue when one of them is closed in the middle of a refresh", async () => {
    await using world = await open();
    await signIn(world.tabs);
    await world.pass(3600);
    const [first, ...others] = world.tabs;
    const held = Promise.withResolvers<void>();
    await first?.route("**/auth.refresh", () => held.resolve());
    void first?.evaluate(() => page.name()).catch(() => {});
    await held.promise;
    const answers = Promise.all(others.map((tab) => tab.evaluate(() => page.name())));
    await first?.close();
    // Its request may still reach the server. Then there are two refreshes, with the same successor.
    expect(await answers).toEqual(everybody.slice(1));
    expect(await reasons(others)).toEqual([[], [], [], []]);
  });

  it("are each notified once when the session is revoked", async () => {
    await using world = await open();
    const user = await signIn(world.tabs);
    await world.server.domain.sessions.endAllOf(user.id, "revoked", testSource);
    await Promise.all(world.tabs.map((tab) => tab.evaluate(() => page.name().catch(() => {}))));
    await expect.poll(() => reasons(world.tabs)).toEqual(Array(5).fill(["revoked"]));
  });
});
