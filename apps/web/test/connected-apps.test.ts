// The page of connected apps: what each may do, and how its access ends.

import { testSource } from "@lockstep/server/testing";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { describeInBrowser } from "./browser.ts";
import { idOf } from "./client.ts";
import { meetingsBy } from "./meetings.ts";
import { button, eventually, expectAccessible, focusedText, heading } from "./visitor.ts";

describeInBrowser("connected apps", (browser) => {
  const meet = meetingsBy(browser);

  /** A user who granted the client access, at the page of connected apps. */
  const meetConnected = async (options: Parameters<typeof meet>[0] = {}) => {
    const visitor = await meet(options);
    const { page, app } = visitor;
    const { url, redeem } = await app.begin();
    await page.goto(url);
    await button(page, "Allow").click();
    await page.getByRole("heading", { name: "Back at Printshop" }).waitFor();
    const tokens = await redeem(page.url());
    await page.goto("/apps");
    await apps(page).first().waitFor();
    return { ...visitor, tokens };
  };

  const apps = (page: Page) => page.getByRole("region", { name: "With access" }).getByRole("heading", { level: 3 });
  const endAccess = (page: Page) => button(page, "End access of Printshop");

  test("says when there are none", async () => {
    await using visitor = await meet({ path: "/" });
    const { page } = visitor;
    await page.getByRole("link", { name: "Apps" }).click();
    await heading(page, "Connected apps").waitFor();
    await page.getByText("None. Apps that you allow are listed here.").waitFor();
    await eventually(() => focusedText(page), "Connected apps");
  });

  test("shows each app's scopes, when it was allowed, and when it was last used [S28]", async () => {
    await using visitor = await meetConnected({ app: { verified: false } });
    const { page } = visitor;
    expect(await apps(page).allTextContents()).toEqual(["Printshop Not verified"]);
    const list = page.getByRole("region", { name: "With access" });
    for (const words of ["Know that it is you", "See your name, username and e-mail address"]) {
      await list.getByText(words, { exact: true }).waitFor();
    }
    await list.getByText(/^Allowed (just now|1 minute ago), last used (just now|1 minute ago)$/).waitFor();
    expect(await list.getByRole("link", { name: "printshop.example" }).getAttribute("rel")).toBe("noreferrer");
  });

  test("end the access of an app at once, after a confirmation [S28]", async () => {
    await using visitor = await meetConnected();
    const { page, server, tokens } = visitor;
    const status = async () => {
      const headers = { authorization: `Bearer ${tokens.access_token}` };
      return (await fetch(`${server.url}/users/me`, { headers })).status;
    };
    await endAccess(page).click();
    const dialog = page.getByRole("dialog", { name: "End the access of Printshop?" });
    await button(page, "Cancel").click();
    expect(await dialog.count()).toBe(0);
    await eventually(() => endAccess(page).evaluate((element) => element === document.activeElement), true);
    expect(await status()).toBe(200);

    await endAccess(page).click();
    await dialog.getByRole("button", { name: "End access" }).click();
    await page.getByRole("status").getByText("Printshop no longer has access.").waitFor();
    expect(await status()).toBe(401);
    expect(await apps(page).count()).toBe(0);
    await eventually(() => focusedText(page), "With access");
  });

  test("report success when the access had already ended", async () => {
    await using visitor = await meetConnected();
    const { page, server, app } = visitor;
    await server.domain.grants.revoke(await idOf(server), app.client.id, testSource);
    await endAccess(page).click();
    await page.getByRole("dialog").getByRole("button", { name: "End access" }).click();
    await page.getByRole("status").getByText("Printshop no longer has access.").waitFor();
  });

  test("show that access has ended only when the server confirms it", async () => {
    await using visitor = await meetConnected();
    const { page, context } = visitor;
    await endAccess(page).click();
    await context.setOffline(true);
    const confirm = page.getByRole("dialog").getByRole("button", { name: "End access" });
    await confirm.click();
    await page.getByRole("alert").getByText("You are offline", { exact: true }).waitFor();
    await context.setOffline(false);
    await confirm.click();
    await page.getByRole("status").getByText("Printshop no longer has access.").waitFor();
  });

  test("show an error when the page's code cannot be loaded, and load it on retry", async () => {
    await using visitor = await meet({ path: "/" });
    const { page } = visitor;
    await page.route("**/assets/apps-*.js", (route) => route.abort());
    await page.getByRole("link", { name: "Apps" }).click();
    await heading(page, "This page could not be loaded").waitFor();
    await expectAccessible(page);
    await page.unroute("**/assets/apps-*.js");
    await button(page, "Reload the page").click();
    await heading(page, "Connected apps").waitFor();
  });

  describe.each(["light", "dark"] as const)("in %s colours", (colorScheme) => {
    test("the page is accessible (axe), and fits a phone", async () => {
      await using visitor = await meetConnected({
        colorScheme,
        viewport: { width: 360, height: 640 },
        app: { verified: false },
      });
      const { page } = visitor;
      await expectAccessible(page);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
      await endAccess(page).click();
      await expectAccessible(page);
    });
  });
});
