// Signing in with a code in a browser, in place of the password.

import { john } from "@lockstep/server/testing";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { describeInBrowser, openContext } from "./browser.ts";
import { proofTo } from "./mails.ts";
import { button, eventually, expectPresentable, focusedText, heading, pathOf, phone, visitsBy } from "./visitor.ts";

const server = { config: { signInCode: true } };

const fields = (page: Page) => ({
  login: page.getByLabel("Username or e-mail address"),
  code: page.getByLabel("Code", { exact: true }),
});

const ask = async (page: Page, login: string = john.username) => {
  await fields(page).login.fill(login);
  await button(page, "Send a code").click();
  await heading(page, "Check your mail").waitFor();
};

const enter = async (page: Page, code: string) => {
  await fields(page).code.fill(code);
  await button(page, "Sign in").click();
};

describeInBrowser("signing in with a code", (browser) => {
  const { visit } = visitsBy(browser);

  test("asks again for a wrong code, signs in with the right one, and returns to the requested page", async () => {
    await using visitor = await visit("/notes", { server, ...phone });
    const { page } = visitor;
    await expectPresentable(page);
    await page.getByRole("link", { name: "Send me a code instead" }).click();
    await eventually(() => focusedText(page), "Sign in with a code");
    await expectPresentable(page);
    await ask(page);
    await expectPresentable(page);
    await enter(page, "BCDF GHJK");
    await page.getByText("This code is wrong. You can try 4 more times.").waitFor();
    const { code } = fields(page);
    await eventually(() => code.evaluate((input) => input === document.activeElement), true);
    await page.keyboard.type((await proofTo(visitor.server, john.email)).code);
    await page.keyboard.press("Enter");
    await heading(page, "Notes").waitFor();
    expect(pathOf(page)).toBe("/notes");
  });

  test("[S105] by the link asks before it signs in, and shows the code in another browser", async () => {
    await using visitor = await visit("/sign-in/code", { server });
    const { page } = visitor;
    await ask(page, john.email);
    const { code, path } = await proofTo(visitor.server, john.email);
    const other = await openContext(browser(), { baseURL: visitor.server.url });
    const elsewhere = await other.newPage();
    await elsewhere.goto(path);
    await elsewhere.getByText(code, { exact: true }).waitFor();
    await elsewhere.getByText("It signs in to the account of john@example.com.").waitFor();
    await other.close();
    await page.goto(path);
    await heading(page, "Sign in?").waitFor();
    await expectPresentable(page);
    expect(await visitor.server.db.selectFrom("sessions").select("id").execute()).toEqual([]);
    await button(page, "Sign in").click();
    await heading(page, "Account").waitFor();
  });

  test("[S102] looks the same for a name that nobody has, and explains the wait of an account under attack", async () => {
    await using visitor = await visit("/sign-in/code", { server });
    const { page } = visitor;
    await ask(page, "nobody-has-this");
    await page.getByText("If there is an account for nobody-has-this, a mail is on its way to its address.").waitFor();
    expect(await visitor.server.mails()).toEqual([]);
    for (let left = 4; left > 0; left--) {
      await enter(page, "BCDF-GHJK");
      await page.getByText(/You can try (once more|\d more times)/).waitFor();
    }
    await button(page, "Use another name or address").click();
    await ask(page, "nobody-has-this");
    await enter(page, "BCDF-GHJK");
    await page.getByText("You can try 4 more times").waitFor();
    await enter(page, "BCDF-GHJK");
    await page.getByRole("alert").getByText("Too many attempts").waitFor();
    await expectPresentable(page);
  });

  test("asks for another code when the second step comes too late, and says why", async () => {
    const secondFactor = { policy: "everyone", graceSeconds: 0 } as const;
    await using visitor = await visit("/sign-in/code", { server: { config: { ...server.config, secondFactor } } });
    const { page, context } = visitor;
    await ask(page);
    await enter(page, (await proofTo(visitor.server, john.email)).code);
    await heading(page, "Sign in with a code").waitFor();
    // To the server, another browser is as bad as another day.
    await context.clearCookies({ name: /proof/ });
    await button(page, "Add an authenticator app").click();
    await page.getByRole("alert").getByText("Sign in again. The second step has to follow within 10 minutes").waitFor();
    await expectPresentable(page);
    await ask(page);
  });

  test("is not offered unless it is on", async () => {
    await using visitor = await visit("/sign-in");
    const { page } = visitor;
    await page.getByRole("link", { name: "Forgot password?" }).waitFor();
    expect(await page.getByRole("link", { name: "Send me a code instead" }).count()).toBe(0);
    await page.goto("/sign-in/code");
    await heading(page, "Codes are not sent here").waitFor();
    await page.getByRole("link", { name: "Sign in with your password" }).click();
    await button(page, "Sign in").waitFor();
  });
});
