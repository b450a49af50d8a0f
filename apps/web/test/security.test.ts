// The security page, and the navigation that leads to it.

import { john, testClock, testSource } from "@lockstep/server/testing";
import { TOTP } from "otpauth";
import { expect, test } from "vitest";
import { expectPresentableOnPhone } from "./authenticators.ts";
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
    const found = await server.domain.users.findByLogin(john.username);
    const source = { address: null, userAgent: null, requestId: null };
    await server.domain.audit.record({ action: "password.change", userId: found?.user.id ?? "", source });
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
    "shows that an operator is removing the second factors, and whoever proves one stops it [S112], in %s",
    async (colorScheme) => {
      await using visitor = await visitSignedIn({ colorScheme });
      const { page, server } = visitor;
      const { factors, users } = server.domain;
      const userId = (await users.findByLogin(john.username))?.user.id ?? "";
      await page.goto("/second-factors");
      await button(page, "Add an authenticator app").click();
      const totp = new TOTP({ secret: (await page.locator("code").textContent()) ?? "" });
      // An app may be one step behind, and the code after it is still to be used.
      await page
        .getByLabel("Code that the app shows")
        .fill(totp.generate({ timestamp: Date.now() - totp.period * 1000 }));
      await button(page, "Add").click();
      await page.getByText(/^Added just now, /).waitFor();

      const isShown = page.getByText("Your second factors will be removed");
      const stopped = page.getByRole("status").getByText("The removal was stopped.");
      const resetsAt = (await factors.requestReset(userId, testSource)) ?? 0;
      await page.goto("/security");
      await isShown.waitFor();
      const when = page.getByRole("alert").locator("time");
      expect(await when.getAttribute("datetime")).toBe(new Date(resetsAt).toISOString());
      await expectPresentableOnPhone(page);
      // This session proved the app.
      await button(page, "Stop the removal").click();
      await stopped.waitFor();
      await eventually(() => focusedText(page), "The removal was stopped. Your second factors stay.");
      await expectPresentableOnPhone(page);
      expect(await isShown.count()).toBe(0);
      expect(await factors.resetAt(userId)).toBeNull();

      // This one did not, as if the device were trusted. The factor is asked for, and no password.
      await factors.requestReset(userId, testSource);
      await server.db.updateTable("sessions").set({ factors: null }).execute();
      await page.goto("/security");
      await button(page, "Stop the removal").click();
      const dialog = page.getByRole("dialog", { name: "Confirm that it is you" });
      await dialog.getByText("Stopping the removal needs your second factor.").waitFor();
      await page.keyboard.press("Escape");
      await eventually(() => focusedText(page), "Stop the removal");
      expect(await stopped.count()).toBe(0);
      await eventually(() => button(page, "Stop the removal").getAttribute("aria-disabled"), "false");
      await page.keyboard.press("Enter");
      expect(await dialog.getByLabel("Your password").count()).toBe(0);
      await dialog.getByLabel("Code of your authenticator app, or a recovery code").fill(totp.generate());
      await dialog.getByRole("button", { name: "Continue" }).click();
      await stopped.waitFor();
      expect(await factors.resetAt(userId)).toBeNull();
    },
  );

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
