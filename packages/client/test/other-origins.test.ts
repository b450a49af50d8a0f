// The client in pages of other origins than the server's, in a real browser: what listed ones can do, and that others
// can do nothing.

import { launchBrowser, skippedWithoutBrowser } from "@lockstep/server/browser-testing";
import { john, signInAs, startTestServer } from "@lockstep/server/testing";
import type { Browser, Frame, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { bundled } from "./bundled.ts";
import { startFront } from "./front.ts";
import type { OtherOriginPage } from "./other-origin-page.ts";

declare const page: OtherOriginPage;

const api = "https://api.example.com";
const app = "https://app.example.com";

const secureHosts = [
  "api.example.com:443",
  "app.example.com:443",
  "app.example.com:8443",
  "evil.example.com:443",
  "app.example.com.evil.com:443",
  "partner.example:443",
  "api.github.io:443",
  "app.github.io:443",
];
const plainHosts = ["app.example.com:80", "localhost:3000", "localhost:8081"];

let front: Awaited<ReturnType<typeof startFront>>;
let browser: Browser;

/** The server at `publicUrl`, and a browser that can open pages of other origins. */
const setUp = async (publicUrl: string, allowedOrigins: readonly string[]) => {
  const server = await startTestServer({ config: { publicUrl, allowedOrigins } });
  const requests: (typeof front)["behind"]["requests"] = [];
  Object.assign(front.behind, { host: new URL(publicUrl).host, url: server.url, requests });
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  context.setDefaultTimeout(inject("patienceMs"));
  return {
    server,
    requests,
    context,
    async open(origin: string, transport: "body" | "cookie", path = "/"): Promise<Page> {
      const tab = await context.newPage();
      await tab.goto(`${origin}${path}?${new URLSearchParams({ server: publicUrl, transport })}`);
      return tab;
    },
    sessions: () => server.db.selectFrom("sessions").selectAll().execute(),
    async [Symbol.asyncDispose]() {
      await context.close();
      await server.close();
    },
  };
};

const signIn = (tab: Page | Frame) => tab.evaluate(({ username, password }) => page.signIn(username, password), john);

describe.skipIf(skippedWithoutBrowser("tests of the client in pages of other origins"))("a page of", () => {
  beforeAll(async () => {
    front = await startFront(await bundled("other-origin-page.ts"));
    browser = await launchBrowser({
      ...Object.fromEntries(secureHosts.map((host) => [host, front.secure])),
      ...Object.fromEntries(plainHosts.map((host) => [host, front.plain])),
    });
  });
  afterAll(async () => {
    await browser?.close();
    front?.close();
  });

  describe.each<[string, string, string, "body" | "cookie"]>([
    ["a listed sibling", app, api, "cookie"],
    ["a listed sibling", app, api, "body"],
    ["a listed origin of another site", "https://partner.example", api, "body"],
    ["a listed origin on the user's own machine", "http://localhost:8081", api, "body"],
    ["another port in development", "http://localhost:8081", "http://localhost:3000", "cookie"],
  ])("%s (%s), with %s by %s", (_name, origin, publicUrl, transport) => {
    it("[S82] signs in, calls, watches, refreshes, survives a reload and signs out", async () => {
      await using world = await setUp(publicUrl, [origin]);
      const { server, requests, context } = world;
      const tab = await world.open(origin, transport);
      expect(await signIn(tab)).toBe("done");
      expect(await tab.evaluate(() => page.name())).toBe(john.username);
      expect(await tab.evaluate(() => page.batch())).toBe(2);

      await tab.evaluate(() => page.watch());
      await signInAs(server);
      await expect.poll(() => tab.evaluate(() => page.events)).toContain("signed_in");

      await tab.evaluate(() => page.advanceClock(3600));
      expect(await tab.evaluate(() => page.name())).toBe(john.username);
      const refreshes = () => requests.filter(({ path, method }) => path === "auth.refresh" && method === "POST");
      expect(refreshes().map(({ status }) => status)).toEqual([200]);

      // The session is found again, without a second sign-in.
      await tab.reload();
      expect(await tab.evaluate(() => page.name())).toBe(john.username);
      expect(await tab.evaluate(() => page.name())).toBe(john.username);
      // Browsers ask before a call that carries a token, and keep the answer.
      expect(requests.filter(({ method, path }) => method === "OPTIONS" && path === "user.me")).toHaveLength(1);

      const cookies = await context.cookies();
      const prefix = publicUrl.startsWith("https:") ? "__Host-" : "";
      const { hostname } = new URL(publicUrl);
      expect(cookies.map(({ name, domain, sameSite }) => ({ name, domain, sameSite }))).toEqual(
        transport === "body"
          ? []
          : ["device", "session"].map((name) => ({
              name: `${prefix}lockstep-${name}`,
              domain: hostname,
              sameSite: "Strict",
            })),
      );
      expect(requests.some(({ cookie }) => cookie)).toBe(transport === "cookie");
      expect(await tab.evaluate(() => document.cookie)).toBe("");

      await tab.evaluate(() => page.signOut());
      expect(await tab.evaluate(() => page.reasons)).toEqual(["signed_out"]);
      await tab.reload();
      expect(await tab.evaluate(() => page.restore())).toBe("done");
      expect(await tab.evaluate(() => page.state())).toBe("signedOut");
      expect((await context.cookies()).map(({ name }) => name)).not.toContain(`${prefix}lockstep-session`);
      expect(requests.every((request) => request.origin === origin)).toBe(true);
    });
  });

  it.each([
    ["another site", "https://partner.example", api],
    ["another host of a public suffix", "https://app.github.io", "https://api.github.io"],
    ["a site without TLS", "http://app.example.com", api],
  ])("[S82] a listed origin of %s cannot use the cookie", async (_name, origin, publicUrl) => {
    await using world = await setUp(publicUrl, [origin]);
    const tab = await world.open(origin, "cookie");
    const before = await world.sessions();
    expect(await signIn(tab)).toBe("UNREACHABLE");
    expect(await tab.evaluate(() => page.restore())).toBe("UNREACHABLE");
    expect(world.requests.filter(({ method }) => method !== "OPTIONS" && method !== "GET")).toEqual([]);
    expect(await world.sessions()).toEqual(before);
    expect(await world.context.cookies()).toEqual([]);
  });

  const both = ["cookie", "body"] as const;

  it.each([
    ["a sibling", "https://evil.example.com", "/", both],
    ["a name that begins like a listed one", "https://app.example.com.evil.com", "/", both],
    ["another port of a listed one", "https://app.example.com:8443", "/", both],
    ["another scheme of a listed one", "http://app.example.com", "/", both],
    // It has no storage for tokens.
    ["a sandboxed frame of a listed page", app, "/sandbox", ["cookie"] as const],
  ])("[S17] [S82] an origin that is not listed, %s, can do nothing", async (_name, origin, path, transports) => {
    await using world = await setUp(api, [app]);
    const signedIn = await world.open(app, "cookie");
    expect(await signIn(signedIn)).toBe("done");
    const before = await world.sessions();
    const sent = world.requests.length;

    for (const transport of transports) {
      const tab = await world.open(origin, transport, path);
      const frame = path === "/" ? tab : tab.frames()[1];
      if (!frame) throw new Error("There is no frame");
      await expect.poll(() => frame.evaluate(() => typeof page)).toBe("object");
      expect(await signIn(frame)).toBe("UNREACHABLE");
      expect(await frame.evaluate(({ username, password }) => page.attack(username, password), john)).toEqual(
        Array(9).fill("blocked"),
      );
    }

    const made = world.requests.slice(sent);
    expect(made.length).toBeGreaterThan(0);
    // Public operations are answered, as to any program; the page cannot read it.
    const effective = made.filter(
      ({ method, status, path }) => method !== "OPTIONS" && path !== "auth.methods" && (status ?? 0) < 400,
    );
    expect(effective).toEqual([]);
    expect(await world.sessions()).toEqual(before);
    expect(await signedIn.evaluate(() => page.name())).toBe(john.username);
  });
});
