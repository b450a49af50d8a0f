// The security page, and the navigation that leads to it.

import { testClock } from "@lockstep/server/testing";
import { expect, test } from "vitest";
import { describeInBrowser } from "./browser.ts";
import {
  button,
  eventually,
  expectPresentable,
  focusedText,
  heading,
  navigation,
  openPage,
  pathOf,
  phone,
  visitsBy,
} from "./visitor.ts";

describeInBrowser("the security page", (browser) => {
  const { visitSignedIn } = visitsBy(browser);

  test("shows what protects the account, and leads to the pages that change it", async () => {
    const clock = testClock();
    await using visitor = await visitSignedIn({ server: { now: clock.now } });
    const { page, server } = visitor;
    const john = await server.domain.users.findByLogin("john");
    const source = { address: null, userAgent: null, requestId: null };
    await server.domain.audit.record({ action: "password.change", userId: john?.user.id ?? "", source });
    await openPage(page, "Security");
    await heading(page, "Security").waitFor();
    await page.getByText(/^Set (just now|1 minute ago)$/).waitFor();
    await page.getByText("john@example.com Verified").waitFor();
    await page.getByText("You are signed in here only.").waitFor();
    await page.getByText("No app has access.").waitFor();
    // No identity provider is configured, and none is linked.
    expect(await page.getByText("Linked accounts").count()).toBe(0);
    for (const [link, path] of [
      ["Change your password", "/password"],
      ["Change your address", "/email"],
      ["See your sessions", "/sessions"],
      ["See connected apps", "/apps"],
    ] as const) {
      await page.getByRole("link", { name: link }).click();
      await eventually(async () => pathOf(page), path);
      await openPage(page, "Security");
    }
  });

  test.each(["light", "dark"] as const)(
    "is reached by keyboard on a phone, through a menu that Escape closes, and is accessible, in %s",
    async (colorScheme) => {
      await using visitor = await visitSignedIn({ ...phone, colorScheme });
      const { page } = visitor;
      const menu = button(page, "Menu");
      const expanded = () => menu.getAttribute("aria-expanded");
      expect([await expanded(), await navigation(page).count()]).toEqual(["false", 0]);
      await menu.focus();
      await page.keyboard.press("Enter");
      expect(await expanded()).toBe("true");
      expect(await navigation(page).locator("[aria-current=page]").allTextContents()).toEqual(["Account"]);
      await expectPresentable(page);
      await page.keyboard.press("Tab");
      expect(await focusedText(page)).toBe("Account");
      await page.keyboard.press("Escape");
      expect([await expanded(), await focusedText(page)]).toEqual(["false", "Menu"]);
      await page.keyboard.press("Space");
      for (let link = 0; link < 3; link++) await page.keyboard.press("Tab");
      expect(await focusedText(page)).toBe("Security");
      await page.keyboard.press("Enter");
      await eventually(() => focusedText(page), "Security");
      expect([await expanded(), pathOf(page)]).toEqual(["false", "/security"]);
      await page.getByText("No app has access.").waitFor();
      await expectPresentable(page);
    },
  );
});
