// Owns the browser of the web app's tests: one for each worker, with a context for each user.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { launchBrowser, skippedWithoutBrowser } from "@lockstep/server/browser-testing";
import type { Browser, BrowserContextOptions } from "playwright-core";
import { test as base, describe, inject } from "vitest";

// biome-ignore lint/correctness/noEmptyPattern: Vitest reads from the pattern which fixtures are needed
const test = base.extend("browser", { scope: "worker" }, async ({}, { onCleanup }) => {
  if (!existsSync(join(import.meta.dirname, "../dist/index.html"))) throw new Error("Build the app first: vite build");
  const browser = await launchBrowser();
  onCleanup(() => browser.close());
  return browser;
});

/** Tests that need a browser: skipped where there is none. */
export const describeInBrowser = (name: string, suite: (browser: () => Browser) => void): void => {
  describe.skipIf(skippedWithoutBrowser(`browser tests: ${name}`))(name, () => {
    let browser: Browser;
    test.beforeAll(({ browser: launched }) => {
      browser = launched;
    });
    suite(() => browser);
  });
};

/** A browser context for one user, with its own cookies and without animations. Close it when done. */
export const openContext = async (browser: Browser, options: BrowserContextOptions = {}) => {
  const context = await browser.newContext({ reducedMotion: "reduce", ...options });
  context.setDefaultTimeout(inject("patienceMs"));
  return context;
};
