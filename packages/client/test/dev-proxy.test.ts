// A page behind Vite's development server, whose proxy replaces `Host` with the server's own.

import { launchBrowser, skippedWithoutBrowser } from "@lockstep/server/browser-testing";
import { john, startTestServer } from "@lockstep/server/testing";
import type { Browser } from "playwright-core";
import { createServer, type ViteDevServer } from "vite";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { bundled } from "./bundled.ts";
import { startFront } from "./front.ts";
import type { OtherOriginPage } from "./other-origin-page.ts";

declare const page: OtherOriginPage;

let front: Awaited<ReturnType<typeof startFront>>;
let vite: ViteDevServer;
let browser: Browser;

/** Vite with a proxy as its documentation writes it first: `proxy: { "/trpc": "http://localhost:3000" }`. */
const startVite = (script: string, target: string) =>
  createServer({
    configFile: false,
    logLevel: "silent",
    appType: "custom",
    optimizeDeps: { noDiscovery: true },
    server: { host: "127.0.0.1", port: 0, hmr: false, watch: null, allowedHosts: true, proxy: { "/trpc": target } },
    plugins: [
      {
        name: "page",
        configureServer: ({ middlewares }) => {
          middlewares.use((request, response, next) => {
            if (request.url?.startsWith("/trpc")) return next();
            const isScript = request.url === "/page.js";
            response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
            response.end(isScript ? script : '<!doctype html><script src="/page.js"></script>');
          });
        },
      },
    ],
  });

describe.skipIf(skippedWithoutBrowser("tests of a page behind Vite's proxy"))("a page behind Vite's proxy", () => {
  beforeAll(async () => {
    const script = await bundled("other-origin-page.ts");
    front = await startFront(script);
    vite = await startVite(script, `http://${front.plain}`);
    await vite.listen();
    const address = new URL(vite.resolvedUrls?.local[0] ?? "").host;
    browser = await launchBrowser({ "localhost:5173": address, "dev.example:5173": address });
  });
  afterAll(async () => {
    await browser?.close();
    await vite?.close();
    front?.close();
  });

  const open = async (origin: string, config: { publicUrl?: string; allowedOrigins?: string[] } = {}) => {
    const server = await startTestServer({ config });
    Object.assign(front.behind, { host: front.plain, url: server.url, requests: [] });
    const context = await browser.newContext();
    context.setDefaultTimeout(inject("patienceMs"));
    const tab = await context.newPage();
    const warnings: string[] = [];
    tab.on("console", (message) => message.type() === "warning" && warnings.push(message.text()));
    await tab.goto(`${origin}/`);
    return {
      tab,
      warnings,
      signIn: () => tab.evaluate(({ username, password }) => page.signIn(username, password), john),
      async [Symbol.asyncDispose]() {
        await context.close();
        await server.close();
      },
    };
  };

  it.each([
    ["on this machine", "http://localhost:5173", {}],
    ["whose origin is PUBLIC_URL", "http://dev.example:5173", { publicUrl: "http://dev.example:5173" }],
    ["whose origin is allowed", "http://dev.example:5173", { allowedOrigins: ["http://dev.example:5173"] }],
  ])("%s signs in, refreshes and survives a reload", async (_name, origin, config) => {
    await using world = await open(origin, config);
    const { tab, warnings } = world;
    expect(await world.signIn()).toBe("done");
    await tab.evaluate(() => page.advanceClock(3600));
    expect(await tab.evaluate(() => page.name())).toBe(john.username);
    await tab.reload();
    expect(await tab.evaluate(() => page.name())).toBe(john.username);
    expect(warnings).toEqual([]);
  });

  it("[S82] of another origin is refused with FOREIGN_ORIGIN, and told how to fix it once", async () => {
    await using world = await open("http://dev.example:5173");
    const { tab, warnings } = world;
    for (let times = 0; times < 2; times++) expect(await tab.evaluate(() => page.restore())).toBe("FOREIGN_ORIGIN");
    expect(await tab.evaluate(() => [page.state(), page.reasons])).toEqual(["loading", []]);
    expect(await world.signIn()).toBe("FOREIGN_ORIGIN");
    await expect.poll(() => warnings.length).toBe(1);
    expect(warnings[0]).toMatch(
      /^FOREIGN_ORIGIN at http:\/\/dev\.example:5173: .* set PUBLIC_URL to the origin that the browser shows, or list that origin in ALLOWED_ORIGINS\.$/,
    );
  });
});
