// Recovering an account in a browser: the name or address, the code from the mail, a new password.

import { john } from "@lockstep/server/testing";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { describeInBrowser, openContext } from "./browser.ts";
import { proofTo } from "./mails.ts";
import {
  button,
  eventually,
  expectPresentable,
  focusedText,
  heading,
  pathOf,
  phone,
  signIn,
  visitsBy,
} from "./visitor.ts";

const newPassword = "seven wooden kites in the rain";

const fields = (page: Page) => ({
  login: page.getByLabel("Username or e-mail address"),
  code: page.getByLabel("Code", { exact: true }),
  newPassword: page.getByLabel("New password", { exact: true }),
});

const ask = async (page: Page, login: string = john.username) => {
  await fields(page).login.fill(login);
  await button(page, "Send a code").click();
  await heading(page, "Check your mail").waitFor();
};

const type = async (page: Page, code: string) => {
  await fields(page).code.fill(code);
  await button(page, "Continue").click();
};

const enter = async (page: Page, code: string) => {
  await type(page, code);
  await heading(page, "Choose a new password").waitFor();
};

const set = async (page: Page, password: string = newPassword) => {
  await fields(page).newPassword.fill(password);
  await button(page, "Set the password").click();
};

describeInBrowser("recovery", (browser) => {
  const { visit, visitSignedIn } = visitsBy(browser);

  test("sets a new password with the code, and returns to the requested page after the sign-in", async () => {
    await using visitor = await visit("/notes");
    const { page, server } = visitor;
    await page.getByRole("link", { name: "Forgot password?" }).click();
    await eventually(() => focusedText(page), "Recover your account");
    await ask(page);
    await enter(page, (await proofTo(server, john.email)).code);
    await set(page);
    await heading(page, "Your password is set").waitFor();
    await eventually(() => focusedText(page), "Your password is set");
    await signIn(page, newPassword);
    await heading(page, "Notes").waitFor();
    expect(pathOf(page)).toBe("/notes");
  });

  test("[S102] looks the same for a name that nobody has", async () => {
    await using visitor = await visit("/recover");
    const { page, server } = visitor;
    await ask(page, "nobody-has-this");
    await page.getByText("If there is an account for nobody-has-this, a mail is on its way to its address.").waitFor();
    expect(await server.mails()).toEqual([]);
    await type(page, "BCDF-GHJK");
    await page.getByText("This code is wrong. You can try 4 more times.").waitFor();
  });

  test("shows at the field why the server refuses a password", async () => {
    await using visitor = await visit("/recover");
    const { page, server } = visitor;
    await ask(page);
    await enter(page, (await proofTo(server, john.email)).code);
    await set(page, "too short");
    await page.getByText("Use at least 15 characters: a few words in a row do.").waitFor();
    const field = fields(page).newPassword;
    expect(await field.getAttribute("aria-invalid")).toBe("true");
    await eventually(() => field.evaluate((input) => input === document.activeElement), true);
    await set(page);
    await heading(page, "Your password is set").waitFor();
  });

  test("continues by the link in the mail without typing, and asks somebody who was signed in to sign in again", async () => {
    await using visitor = await visitSignedIn();
    const { page, server } = visitor;
    await page.goto("/recover");
    await ask(page, john.email);
    await page.goto((await proofTo(server, john.email)).path);
    await heading(page, "Choose a new password").waitFor();
    expect(page.url()).toBe(`${server.url}/recover`);
    await set(page);
    await heading(page, "Your password is set").waitFor();
    await signIn(page, newPassword);
    await heading(page, "Account").waitFor();
  });

  test("shows the code in another browser, which cannot use it", async () => {
    await using visitor = await visit("/recover");
    const { page, server } = visitor;
    await ask(page);
    const { code, path } = await proofTo(server, john.email);
    const other = await openContext(browser(), { baseURL: server.url });
    const phone = await other.newPage();
    await phone.goto(path);
    await heading(phone, "Enter this code where you started").waitFor();
    await phone.getByText(code, { exact: true }).waitFor();
    await phone.getByText("It sets a new password for the account of john@example.com.").waitFor();
    await other.close();
    await enter(page, code);
    await set(page);
    await heading(page, "Your password is set").waitFor();
  });

  test("says that the code has expired, and starts again with what was typed", async () => {
    await using visitor = await visit("/recover");
    const { page, server } = visitor;
    await ask(page);
    await enter(page, (await proofTo(server, john.email)).code);
    await server.db.updateTable("proofs").set({ expires_at: 0 }).execute();
    await set(page);
    await heading(page, "This has expired").waitFor();
    await button(page, "Start again").click();
    expect(await fields(page).login.inputValue()).toBe(john.username);
  });

  test.each(["light", "dark"] as const)("is accessible on a phone in every state, in %s", async (colorScheme) => {
    await using visitor = await visit("/recover", { ...phone, colorScheme });
    const { page, server } = visitor;
    await heading(page, "Recover your account").waitFor();
    await expectPresentable(page);
    await ask(page);
    await expectPresentable(page);
    await enter(page, (await proofTo(server, john.email)).code);
    await set(page, "too short");
    await page.getByText("Use at least 15 characters: a few words in a row do.").waitFor();
    await expectPresentable(page);
    await set(page);
    await heading(page, "Your password is set").waitFor();
    await expectPresentable(page);
  });

  test("is not offered by a server that sends no mail", async () => {
    const mail = { on: false, server: null, from: { name: null, address: "no-reply@lockstep.example" } };
    await using visitor = await visit("/recover", {
      server: { config: { mail, signUp: { policy: "off", domains: null } } },
    });
    const { page } = visitor;
    await heading(page, "Recovery is not possible here").waitFor();
    await page.getByRole("link", { name: "Sign in" }).click();
    await button(page, "Sign in").waitFor();
    expect(await page.getByRole("link", { name: "Forgot password?" }).count()).toBe(0);
  });
});
