// The clients that a person has let in, as they meet them: what each may do, and how they end that.

import { testSource } from "@lockstep/server/testing";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { describeInBrowser } from "./browser.ts";
import { idOf, meetingsBy } from "./client.ts";
import { button, eventually, expectAccessible, focusedText, heading } from "./visitor.ts";

describeInBrowser("connected apps", (browser) => {
  const meet = meetingsBy(browser);

  /** A person who let the client in, with the list of such before them. */
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

  test("says that there are none, and how that changes", async () => {
    await using visitor = await meet();
    const { page } = visitor;
    await page.getByRole("link", { name: "Apps" }).click();
    await heading(page, "Connected apps").waitFor();
    await page.getByText("None. Apps that you allow are listed here.").waitFor();
    await eventually(() => focusedText(page), "Connected apps");
  });

  test("shows what each may do, since when, and when it last did [S28]", async () => {
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

  test("loses its access at once when the person ends it, once they were sure [S28]", async () => {
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

  test("is what was wanted where the access had ended already", async () => {
    await using visitor = await meetConnected();
    const { page, server, app } = visitor;
    await server.domain.grants.revoke(await idOf(server), app.client.id, testSource);
    await endAccess(page).click();
    await page.getByRole("dialog").getByRole("button", { name: "End access" }).click();
    await page.getByRole("status").getByText("Printshop no longer has access.").waitFor();
  });

  test("is not claimed to be over while the server has not heard of it", async () => {
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

  test("says so when the page itself cannot be fetched, and fetches it when asked", async () => {
    await using visitor = await meet();
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
