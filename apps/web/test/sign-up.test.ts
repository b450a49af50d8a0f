// Signing up in a browser: the address, the code from the mail, the account.

import { john } from "@lockstep/server/testing";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { describeInBrowser, openContext } from "./browser.ts";
import { proofTo } from "./mails.ts";
import { meetingsBy } from "./meetings.ts";
import { button, eventually, expectPresentable, focusedText, heading, pathOf, phone, visitsBy } from "./visitor.ts";

const jane = { email: "jane@example.com", fullName: "Jane Doe", password: "seven wooden kites in the rain" };

/** The fields of sign-up. */
const fields = (page: Page) => ({
  address: page.getByLabel("E-mail address", { exact: true }),
  code: page.getByLabel("Code", { exact: true }),
  fullName: page.getByLabel("Full name"),
  username: page.getByLabel("Username", { exact: true }),
  password: page.getByLabel("Password", { exact: true }),
});

const ask = async (page: Page, email: string = jane.email) => {
  await fields(page).address.fill(email);
  await button(page, "Send a code").click();
  await heading(page, "Check your mail").waitFor();
};

const type = async (page: Page, code: string) => {
  await fields(page).code.fill(code);
  await button(page, "Continue").click();
};

const enter = async (page: Page, code: string) => {
  await type(page, code);
  await heading(page, "Your account").waitFor();
};

const complete = async (
  page: Page,
  { username, password = jane.password }: { username?: string; password?: string } = {},
) => {
  await fields(page).fullName.fill(jane.fullName);
  if (username !== undefined) await fields(page).username.fill(username);
  await fields(page).password.fill(password);
  await button(page, "Create account").click();
};

describeInBrowser("sign-up", (browser) => {
  const { visit } = visitsBy(browser);

  test("creates an account for the address that got the code, and returns to the requested page", async () => {
    await using visitor = await visit("/notes");
    const { page, server } = visitor;
    await page.getByRole("link", { name: "Create account" }).click();
    await eventually(() => focusedText(page), "Create your account");
    await ask(page);
    await eventually(() => focusedText(page), "Check your mail");
    expect(await fields(page).code.getAttribute("autocomplete")).toBe("one-time-code");
    expect(await server.domain.users.findByLogin(jane.email)).toBeNull();

    const { code } = await proofTo(server, jane.email);
    await enter(page, ` ${code.toLowerCase().replace("-", " ")} `);
    await complete(page);
    await heading(page, "Notes").waitFor();
    expect(pathOf(page)).toBe("/notes");
    const found = await server.domain.users.findByLogin(jane.email);
    expect(found?.user).toMatchObject({ username: "jane.doe", fullName: "Jane Doe", emailVerified: true });
  });

  test("asks to sign in when the second step comes too late: the account exists by then", async () => {
    const config = { secondFactor: { policy: "everyone" as const, graceSeconds: 0 } };
    await using visitor = await visit("/sign-up", { server: { config } });
    const { page, server, context } = visitor;
    await ask(page);
    await enter(page, (await proofTo(server, jane.email)).code);
    await complete(page);
    await page.getByRole("heading", { name: "Protect your account" }).waitFor();
    // To the server, another browser is as bad as another day.
    await context.clearCookies({ name: /proof/ });
    await button(page, "Add an authenticator app").click();
    await page.getByRole("alert").getByText("Sign in again. The second step has to follow within 10 minutes").waitFor();
    await expectPresentable(page);
    expect(await page.getByLabel("Username or e-mail address").inputValue()).toBe("jane.doe");
    await page.getByLabel("Password", { exact: true }).fill(jane.password);
    await button(page, "Sign in").click();
    await page.getByRole("heading", { name: "Protect your account" }).waitFor();
  });

  test("works by keyboard alone", async () => {
    await using visitor = await visit("/sign-up");
    const { page, server } = visitor;
    await fields(page).address.focus();
    await page.keyboard.type(jane.email);
    await page.keyboard.press("Enter");
    await heading(page, "Check your mail").waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.type((await proofTo(server, jane.email)).code);
    await page.keyboard.press("Enter");
    await heading(page, "Your account").waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.type(jane.fullName);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.type(jane.password);
    await page.keyboard.press("Enter");
    await heading(page, "Account").waitFor();
  });

  test("reports an address that is none at its field, without a request", async () => {
    await using visitor = await visit("/sign-up");
    const { page } = visitor;
    const { address } = fields(page);
    await address.fill("jane@");
    await button(page, "Send a code").click();
    await page.getByText("Must be an e-mail address").waitFor();
    expect(await address.getAttribute("aria-invalid")).toBe("true");
    expect(await address.evaluate((input) => input === document.activeElement)).toBe(true);
    expect(await heading(page, "Create your account").count()).toBe(1);
  });

  test("asks again for a wrong code before anything else, says how often, and keeps what was typed", async () => {
    await using visitor = await visit("/sign-up");
    const { page, server } = visitor;
    const { code, fullName, username, password } = fields(page);
    await ask(page);
    for (const left of ["4 more times", "3 more times"]) {
      await type(page, "BCDF GHJK");
      await page.getByText(`This code is wrong. You can try ${left}.`).waitFor();
      expect(await code.getAttribute("aria-invalid")).toBe("true");
      await eventually(() => code.evaluate((input) => input === document.activeElement), true);
    }
    const right = (await proofTo(server, jane.email)).code;
    await enter(page, right);
    const stored = await server.db.selectFrom("proofs").select("code_mac").executeTakeFirstOrThrow();
    await server.db.updateTable("proofs").set({ code_mac: "of another code" }).execute();
    await complete(page, { username: "jane" });
    await page.getByText("This code is wrong. You can try 2 more times.").waitFor();
    await server.db.updateTable("proofs").set(stored).execute();
    await enter(page, right);
    expect([await fullName.inputValue(), await username.inputValue(), await password.inputValue()]).toEqual([
      jane.fullName,
      "jane",
      jane.password,
    ]);
    await button(page, "Create account").click();
    await heading(page, "Account").waitFor();
  });

  test("suggests another username for one that is taken", async () => {
    await using visitor = await visit("/sign-up");
    const { page, server } = visitor;
    await ask(page);
    await enter(page, (await proofTo(server, jane.email)).code);
    await complete(page, { username: john.username });
    await page.getByText("This username is taken.").waitFor();
    const { username } = fields(page);
    expect(await username.getAttribute("aria-invalid")).toBe("true");
    await page.getByRole("button", { name: `Use ${john.username}-` }).click();
    expect(await username.inputValue()).toMatch(/^john-[a-z0-9]+$/);
    await button(page, "Create account").click();
    await heading(page, "Account").waitFor();
  });

  test("says while it is typed why a password is refused, and shows the server's reason at the field", async () => {
    await using visitor = await visit("/sign-up");
    const { page, server } = visitor;
    const { password } = fields(page);
    await ask(page);
    await enter(page, (await proofTo(server, jane.email)).code);
    const status = page.getByRole("status");
    await password.fill("short");
    await status.getByText("Too short: use at least 15 characters.").waitFor();
    await password.fill("aaaaaaaaaaaaaaaaaaaa");
    await status.getByText("Easy to guess: it repeats one character.").waitFor();
    await password.fill(jane.email);
    await status.getByText("Easy to guess: it is made of your name or address").waitFor();
    await password.fill(jane.password);
    await status.getByText("This looks hard to guess.").waitFor();
    await complete(page, { password: "passwordpasswordpassword" });
    await page.getByText("This is easy to guess.").waitFor();
    expect(await password.getAttribute("aria-invalid")).toBe("true");
    await eventually(() => password.evaluate((input) => input === document.activeElement), true);
  });

  test("sends a new code after a while, and says that the earlier one no longer works", async () => {
    await using visitor = await visit("/sign-up");
    const { page, server } = visitor;
    await page.clock.install();
    await ask(page);
    const first = await proofTo(server, jane.email);
    const resend = page.getByRole("button", { name: "Send a new code" });
    expect(await resend.getAttribute("aria-disabled")).toBe("true");
    await page.clock.fastForward(31_000);
    await button(page, "Send a new code").click();
    await page.getByRole("status").getByText("A new code was sent. The earlier one no longer works.").waitFor();
    expect(await resend.getAttribute("aria-disabled")).toBe("true");
    const second = await proofTo(server, jane.email);
    expect(second.code).not.toBe(first.code);
    await enter(page, second.code);
  });

  test("stays at its step when it is reloaded, and goes back to the address", async () => {
    await using visitor = await visit("/sign-up");
    const { page, server } = visitor;
    await ask(page);
    await page.reload();
    await heading(page, "Check your mail").waitFor();
    await enter(page, (await proofTo(server, jane.email)).code);
    await page.reload();
    await heading(page, "Your account").waitFor();
    await page.goBack();
    await heading(page, "Check your mail").waitFor();
    await button(page, "Use another address").click();
    await heading(page, "Create your account").waitFor();
    expect(await fields(page).address.inputValue()).toBe(jane.email);
  });

  test("explains the limit on codes (TOO_MANY_ATTEMPTS)", async () => {
    await using visitor = await visit("/sign-up");
    const { page } = visitor;
    for (let request = 0; request < 5; request++) {
      await ask(page);
      await button(page, "Use another address").click();
    }
    await button(page, "Send a code").click();
    const alert = page.getByRole("alert");
    await alert.getByText("Too many attempts").waitFor();
    await alert.getByText(/You can try again in \d+ minutes\./).waitFor();
  });

  describe("by the link in the mail", () => {
    test("continues in the browser that asked, without typing", async () => {
      await using visitor = await visit("/sign-up");
      const { page, server, context } = visitor;
      await ask(page);
      const tab = await context.newPage();
      await tab.goto((await proofTo(server, jane.email)).path);
      await heading(tab, "Your account").waitFor();
      expect(tab.url()).toBe(`${server.url}/sign-up`);
      await complete(tab);
      await heading(tab, "Account").waitFor();
      // The tab that waited follows.
      await heading(page, "Account").waitFor();
    });

    test("[S105] shows the code in another browser, where it changes nothing", async () => {
      await using visitor = await visit("/sign-up");
      const { page, server } = visitor;
      await ask(page);
      const { code, path } = await proofTo(server, jane.email);
      const other = await openContext(browser(), { baseURL: server.url });
      const phone = await other.newPage();
      await phone.goto(path);
      await heading(phone, "Enter this code where you started").waitFor();
      await phone.getByText(code, { exact: true }).waitFor();
      expect(phone.url()).toBe(`${server.url}/proof`);
      expect(await other.cookies()).toEqual([]);
      await other.close();
      await enter(page, code);
      await complete(page);
      await heading(page, "Account").waitFor();
    });
  });

  describe("a proof that is refused", () => {
    const refusals = {
      expired: { title: "This has expired", change: { expires_at: 0 } },
      used: { title: "This was already used", change: { ended: "used" } },
      cancelled: { title: "There is a newer mail", change: { ended: "cancelled" } },
      too_many_tries: { title: "Too many wrong codes", change: { tries_left: 0 } },
    } as const;

    test.each(Object.values(refusals))("says: $title", async ({ title, change }) => {
      await using visitor = await visit("/sign-up");
      const { page, server } = visitor;
      await ask(page);
      const { code, path } = await proofTo(server, jane.email);
      await enter(page, code);
      await server.db.updateTable("proofs").set(change).execute();
      await complete(page);
      await heading(page, title).waitFor();
      await eventually(() => focusedText(page), title);
      await button(page, "Start again").click();
      await heading(page, "Create your account").waitFor();
      expect(await fields(page).address.inputValue()).toBe(jane.email);
      await page.goto(path);
      await heading(page, title).waitFor();
    });

    test("says that another browser asked", async () => {
      await using visitor = await visit("/sign-up");
      const { page, server, context } = visitor;
      await ask(page);
      await enter(page, (await proofTo(server, jane.email)).code);
      await context.clearCookies();
      await complete(page);
      await heading(page, "You started in another browser").waitFor();
    });

    test.each(["/proof", "/proof#nonsense"])("explains the incomplete link %s", async (path) => {
      await using visitor = await visit(path);
      const { page } = visitor;
      await heading(page, path === "/proof" ? "Open the link in the mail again" : "This has expired").waitFor();
      await page.getByRole("link", { name: "Go to the start page" }).click();
      await heading(page, "Sign in").waitFor();
    });
  });

  test("is not offered where it is off", async () => {
    await using visitor = await visit("/sign-in", { server: { config: { signUp: { policy: "off", domains: null } } } });
    const { page } = visitor;
    await page.getByRole("link", { name: "Forgot password?" }).waitFor();
    expect(await page.getByRole("link", { name: "Create account" }).count()).toBe(0);
    await page.goto("/sign-up");
    await heading(page, "Sign-up is closed").waitFor();
  });

  test("shows at the field that the address's domain is not allowed (SIGN_UP_REFUSED)", async () => {
    const signUp = { policy: "open", domains: ["example.org"] } as const;
    await using visitor = await visit("/sign-up", { server: { config: { signUp } } });
    const { page } = visitor;
    const { address } = fields(page);
    await address.fill(jane.email);
    await button(page, "Send a code").click();
    await eventually(() => address.getAttribute("aria-invalid"), "true");
    expect(await page.getByRole("alert").count()).toBe(0);
  });

  test("where people are invited, does not say whether an address was", async () => {
    const signUp = { policy: "invited", domains: null } as const;
    await using visitor = await visit("/sign-up", { server: { config: { signUp } } });
    const { page, server } = visitor;
    await page.getByText("Enter the e-mail address that was invited.").waitFor();
    await ask(page);
    await page.getByText(/^If jane@example.com was invited/).waitFor();
    expect(await server.mails()).toEqual([]);
  });

  test.each(["light", "dark"] as const)("is accessible on a phone in every state, in %s", async (colorScheme) => {
    await using visitor = await visit("/sign-in", { ...phone, colorScheme });
    const { page, server } = visitor;
    const { address, password } = fields(page);
    await page.getByRole("link", { name: "Create account" }).click();
    await heading(page, "Create your account").waitFor();
    await expectPresentable(page);
    await address.fill("nonsense");
    await button(page, "Send a code").click();
    await page.getByText("Must be an e-mail address").waitFor();
    await expectPresentable(page);
    await ask(page, `${"long-name-".repeat(6)}@example.com`);
    await expectPresentable(page);
    await page.goBack();
    await ask(page);
    await type(page, "BCDF GHJK");
    await page.getByText("This code is wrong").waitFor();
    await expectPresentable(page);
    const proof = await proofTo(server, jane.email);
    await enter(page, proof.code);
    await password.fill("qwertyuiopasdfgh");
    await page.getByText("Easy to guess").waitFor();
    await expectPresentable(page);
    await complete(page, { username: john.username });
    await page.getByText("This username is taken.").waitFor();
    await expectPresentable(page);
    await visitor.context.clearCookies();
    await page.goto(proof.path);
    await heading(page, "Enter this code where you started").waitFor();
    await expectPresentable(page);
    await server.db.updateTable("proofs").set({ expires_at: 0 }).execute();
    await page.reload();
    await heading(page, "Open the link in the mail again").waitFor();
    await expectPresentable(page);
    await page.goto("/");
    await page.goto(proof.path);
    await heading(page, "This has expired").waitFor();
    await expectPresentable(page);
  });

  test("on the way to an app returns to its request", async () => {
    await using visitor = await meetingsBy(browser)({ signedIn: false });
    const { page, app, server } = visitor;
    await page.goto((await app.begin()).url);
    await page.getByRole("link", { name: "Create account" }).click();
    await ask(page);
    await enter(page, (await proofTo(server, jane.email)).code);
    await complete(page);
    await heading(page, /Printshop asks for access/).waitFor();
  });
});
