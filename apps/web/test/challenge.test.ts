// Challenges in a browser: people have nothing to do, and are told that it takes a moment.

import { john } from "@lockstep/server/testing";
import { expect, test } from "vitest";
import { describeInBrowser } from "./browser.ts";
import { button, eventually, expectPresentable, fields, focusedText, heading, phone, visitsBy } from "./visitor.ts";

const text = "Making sure that you are not a program.";

describeInBrowser("a challenge", (browser) => {
  const { visit } = visitsBy(browser);

  test("is solved by the browser after the button was pressed, by keyboard, and is announced", async () => {
    // So much work that the text can be read, and the page can be used meanwhile.
    const server = { config: { challenge: "on" }, world: { challengeCost: 3000 } } as const;
    await using visitor = await visit("/sign-in", { server, ...phone });
    const { page } = visitor;
    await page.evaluate((wanted) => {
      // Runs in the page: records what a screen reader would announce.
      const seen = globalThis as typeof globalThis & { announced?: string };
      new MutationObserver(() => {
        for (const region of document.querySelectorAll('[role="status"]'))
          if (region.textContent?.includes(wanted)) seen.announced = region.textContent;
      }).observe(document.body, { childList: true, subtree: true, characterData: true });
    }, text);
    await fields(page).username.fill(john.username);
    await fields(page).password.fill(john.password);
    await page.keyboard.press("Enter");
    await heading(page, "Account").waitFor();
    expect(await page.evaluate(() => (globalThis as { announced?: string }).announced)).toContain(text);
  });

  test("that cannot be solved is explained, and the form stays usable", async () => {
    const server = { config: { challenge: "on" } } as const;
    await using visitor = await visit("/sign-up", { server });
    const { page } = visitor;
    await page.evaluate(() => Object.defineProperty(crypto, "subtle", { value: undefined, configurable: true }));
    await page.getByLabel("E-mail address", { exact: true }).fill("jane@example.com");
    await button(page, "Send a code").click();
    const alert = page.getByRole("alert");
    await alert.getByText("Your browser could not show that you are not a program").waitFor();
    await eventually(() => focusedText(page).then((focused) => focused?.includes("Try again") ?? false), true);
    await expectPresentable(page);
    await page.reload();
    await page.getByLabel("E-mail address", { exact: true }).fill("jane@example.com");
    await button(page, "Send a code").click();
    await heading(page, "Check your mail").waitFor();
  });
});
