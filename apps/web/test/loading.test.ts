// What pages show while their data is being loaded: a place of the same size, and nothing at all for a moment.

import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { describeInBrowser } from "./browser.ts";
import { eventually, expectAccessible, visitsBy } from "./visitor.ts";

/** The cumulative layout shift of the page so far. More than 0.1 is not "good" (Core Web Vitals). */
const layoutShift = (page: Page) =>
  page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        new PerformanceObserver((list) => {
          const shifts = list.getEntries() as (PerformanceEntry & { readonly value: number })[];
          resolve(shifts.reduce((sum, { value }) => sum + value, 0));
        }).observe({ type: "layout-shift", buffered: true });
        setTimeout(resolve, 100, 0);
      }),
  );

describeInBrowser("while data is being loaded", (browser) => {
  const { visitSignedIn } = visitsBy(browser);

  test("pages keep its place, are busy, and do not move when it arrives", async () => {
    await using visitor = await visitSignedIn();
    const { page, context } = visitor;
    let held = Promise.withResolvers<void>();
    await context.route(/\/trpc\/(?!auth\.|session\.events)/, async (route) => {
      await held.promise;
      await route.continue();
    });
    const busy = page.locator("[aria-busy=true]");
    const skeleton = page.locator(".mantine-Skeleton-root").first();
    for (const path of ["/security", "/sessions", "/email"]) {
      held = Promise.withResolvers();
      await page.goto(path);
      await busy.first().waitFor();
      // It waits in this look, so that it does not flash when data arrives soon.
      expect(await skeleton.evaluate((element) => getComputedStyle(element).animationDelay)).toBe("0.15s");
      await skeleton.waitFor();
      if (path === "/security") await expectAccessible(page);
      held.resolve();
      await eventually(() => busy.count(), 0);
      expect(await layoutShift(page)).toBeLessThan(0.05);
    }
  });
});
