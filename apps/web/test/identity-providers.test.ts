// Sign-in with identity providers in a browser. Each provider is a certified server in its own process, on another site
// than ours, so that cookies behave as in production.

import { type AppServer, startAppServer } from "@app/server/testing";
import { launchBrowser, skippedWithoutBrowser } from "@lockstep/server/browser-testing";
import { john, startDemoProvider, testClock } from "@lockstep/server/testing";
import { TOTP } from "otpauth";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openContext } from "./browser.ts";
import { button, eventually, expectAccessible, focusedText, heading, pathOf, signIn } from "./visitor.ts";

/** Cross-site to the identity providers at `localhost`, and a secure context like https. */
const publicUrl = "http://lockstep.localhost";

/** Our clock starts this far in the past, so that tests can move it to make a sign-in old. */
const agoSeconds = 20 * 60;
const clock = testClock(Date.now() - agoSeconds * 1000);

describe.skipIf(skippedWithoutBrowser("browser tests of identity providers"))("identity providers", () => {
  const closing: (() => Promise<unknown>)[] = [];
  let browser: Browser;
  let server: AppServer;

  beforeAll(async () => {
    const providers = await Promise.all(["north", "south", "west"].map((name) => startDemoProvider(name, 0)));
    for (const provider of providers) closing.push(provider.end);
    server = await startAppServer({
      now: clock.now,
      config: {
        publicUrl,
        providers: providers.map(({ settings }) => ({
          ...settings,
          label: settings.name.replace(/^./, (letter) => letter.toUpperCase()),
          // Like Google and GitHub, it cannot be asked for a fresh sign-in.
          ...(settings.name === "west" && { freshness: "select_account" as const }),
        })),
      },
    });
    closing.push(server.close);
    await Promise.all(providers.map((provider) => provider.serve({ publicUrl, reachableAt: server.url })));
    browser = await launchBrowser({
      "lockstep.localhost:80": new URL(server.url).host,
      // The identity provider's pages load a typeface from there.
      "fonts.googleapis.com": "~NOTFOUND",
    });
    closing.push(() => browser.close());
  });
  afterAll(async () => {
    for (const close of closing.reverse()) await close();
  });

  /** A user with their own browser. Closing it fails if the page threw an error. */
  const visit = async (path: string) => {
    const context = await openContext(browser, { baseURL: publicUrl });
    const faults: string[] = [];
    context.on("weberror", (error) => faults.push(String(error.error())));
    const page = await context.newPage();
    await page.goto(path);
    return {
      page,
      context,
      async [Symbol.asyncDispose]() {
        await context.close();
        expect(faults).toEqual([]);
      },
    };
  };

  const through = async (page: Page, provider: string, login: string) => {
    await page.getByRole("link", { name: `Continue with ${provider}` }).click();
    await atProvider(page, login);
  };

  /** Signs in on the identity provider's page, where the user consented before. */
  const againAtProvider = async (page: Page, login: string) => {
    await page.getByPlaceholder("Enter any login").fill(login);
    await page.getByPlaceholder("and password").fill("any");
    await page.getByRole("button", { name: "Sign-in" }).click();
  };

  /** Signs in and consents on the identity provider's pages. */
  const atProvider = async (page: Page, login: string) => {
    await againAtProvider(page, login);
    await page.getByRole("button", { name: "Continue" }).click();
  };

  test.each([
    ["North", "ada", "Ada Lovelace"],
    ["South", "grace", "Grace Hopper"],
  ])("sign a new user in with the %s one, and lead back to the requested page", async (name, login, fullName) => {
    await using visitor = await visit("/notes?from=mail");
    const { page } = visitor;
    await heading(page, "Sign in").waitFor();
    await expectAccessible(page);
    await through(page, name, login);
    await page.getByText("You have no notes yet.").waitFor();
    expect(pathOf(page)).toBe("/notes?from=mail");
    await page.reload();
    await page.getByText("You have no notes yet.").waitFor();
    await page.getByRole("link", { name: "Account", exact: true }).click();
    await page.getByText(fullName, { exact: true }).waitFor();
  });

  test("[S59] open an existing account only after its owner linked them, until they are unlinked", async () => {
    await using visitor = await visit("/");
    const { page } = visitor;
    await through(page, "North", "doe");
    await page.getByRole("alert").getByText("You already have an account here").waitFor();
    await expectAccessible(page);

    await signIn(page);
    await page.getByRole("link", { name: "Security" }).click();
    await page.getByRole("link", { name: "Linked accounts" }).click();
    await button(page, "Link North").click();
    await page.getByText("North is linked.").waitFor();
    await button(page, "Link South").click();
    await atProvider(page, "johnny");
    await page.getByText("South is linked.").waitFor();
    await expectAccessible(page);

    await button(page, "Sign out").click();
    await heading(page, "Sign in").waitFor();
    await page.getByRole("link", { name: "Continue with South" }).click();
    await page.getByText(john.fullName, { exact: true }).waitFor();

    await page.getByRole("link", { name: "Security" }).click();
    await page.getByRole("link", { name: "Linked accounts" }).click();
    await button(page, "Unlink North").click();
    const question = page.getByRole("dialog", { name: "Unlink North?" });
    await question.getByText(`You can no longer sign in with ${john.email} at North.`).waitFor();
    await expectAccessible(page);
    await page.keyboard.press("Escape");
    await question.waitFor({ state: "detached" });
    expect(await button(page, "Link North").count()).toBe(0);
    await button(page, "Unlink North").click();
    await button(page, "Unlink").click();
    await button(page, "Link North").waitFor();
    await eventually(() => focusedText(page), "You can sign in with");
    const ways = page.getByRole("list").filter({ has: page.getByText(/linked /) });
    expect(await ways.getByRole("listitem").allTextContents()).toEqual([expect.stringContaining("South")]);
  });

  test("create an account without a password, which can set one after a fresh sign-in there [S87]", async () => {
    await using visitor = await visit("/");
    const { page, context } = visitor;
    /** The link to the form, for an account with a password and for one without. */
    const eitherForm = page.getByText(/^(Set a|Change your) password$/);
    const held = Promise.withResolvers<void>();
    await context.route(/identity\.list/, async (route) => {
      await held.promise;
      await route.continue();
    });
    await through(page, "North", "hedy");
    await page.getByRole("link", { name: "Security" }).click();
    await heading(page, "Security").waitFor();
    await page.getByRole("heading", { name: "Password" }).waitFor();
    expect(await eitherForm.count()).toBe(0);
    held.resolve();
    await page.getByRole("link", { name: "Set a password" }).click();
    await page.getByRole("heading", { level: 2, name: "Set a password" }).waitFor();
    expect(await page.getByRole("textbox").count()).toBe(0);
    await expectAccessible(page);

    await page.getByRole("link", { name: "Continue with North" }).click();
    await againAtProvider(page, "hedy");
    const password = "seven wooden kites in the rain";
    await page.getByLabel("New password", { exact: true }).fill(password);
    expect(await page.getByLabel("Current password", { exact: true }).count()).toBe(0);
    await page.getByRole("checkbox", { name: "hedy@demo.example" }).waitFor();
    await expectAccessible(page);
    await button(page, "Set the password").click();
    await page.getByRole("status").getByText("Your password has been set").waitFor();
    await page.getByRole("region", { name: "Added in the last 30 days" }).getByText("hedy@demo.example").waitFor();

    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Security" }).click();
    await page.getByRole("link", { name: "Change your password" }).waitFor();
    await context.clearCookies();
    await page.goto("/");
    await signIn(page, password, "hedy");
    await page.getByRole("region", { name: "Profile" }).getByText("@hedy").waitFor();
  });

  test("that cannot ask for a fresh sign-in are not offered for it: a password is required [S96]", async () => {
    await using visitor = await visit("/password");
    const { page } = visitor;
    await through(page, "West", "wendy");
    const words = page.getByText("West cannot ask you to sign in again. You need a password for this");
    await words.waitFor();
    expect(await page.getByRole("link", { name: /^Continue with/ }).count()).toBe(0);
    await expectAccessible(page);

    // Whenever the identity provider said that they signed in, it is too long ago now.
    await server.db.updateTable("sessions").set({ authenticated_at: 0, factors: null }).execute();
    await page.goto("/linked-accounts");
    await button(page, "Link South").click();
    const dialog = page.getByRole("dialog", { name: "Sign in again" });
    await words.waitFor();
    expect(await dialog.getByRole("link").count()).toBe(0);
    await expectAccessible(page);
    await button(page, "Cancel").click();
    await dialog.waitFor({ state: "detached" });
    expect(pathOf(page)).toBe("/linked-accounts");
  });

  test("[S111] lead back to the sign-in page, which says why, when the second step comes too late", async () => {
    await using visitor = await visit("/");
    const { page, context } = visitor;
    await through(page, "North", "late");
    await page.getByText("@late").waitFor();
    const late = await server.domain.users.findByLogin("late");
    await server.domain.users.requireFactor(late?.user.id ?? "", true);
    await context.clearCookies({ name: /session/, domain: "lockstep.localhost" });
    await page.goto("/notes");
    await page.getByRole("link", { name: "Continue with North" }).click();
    await page.getByRole("heading", { name: "Protect your account" }).waitFor();
    // To the server, another browser is as bad as another day.
    await context.clearCookies({ name: /proof/ });
    await button(page, "Add an authenticator app").click();
    await page.getByRole("alert").getByText("Sign in again. The second step has to follow within 10 minutes").waitFor();
    await expectAccessible(page);
    await page.getByRole("link", { name: "Continue with North" }).click();
    await page.getByRole("heading", { name: "Protect your account" }).waitFor();
    await button(page, "Add an authenticator app").click();
    const secret = (await page.locator("code").textContent()) ?? "";
    await page.getByLabel("Code that the app shows").fill(new TOTP({ secret }).generate({ timestamp: clock.now() }));
    await button(page, "Add").click();
    await page.getByText("You have no notes yet.").waitFor();
  });

  test("end their own session too when the user signs out", async () => {
    await using visitor = await visit("/");
    const { page } = visitor;
    await through(page, "North", "linus");
    await page.getByText("linus", { exact: true }).waitFor();
    await button(page, "Sign out").click();
    await page.getByRole("button", { name: "Yes, sign me out" }).click();
    await heading(page, "Sign in").waitFor();
    await page.getByRole("link", { name: "Continue with North" }).click();
    // Signed out there as well: it asks for a sign-in.
    await page.getByPlaceholder("Enter any login").waitFor();
  });

  test("lead back to the sign-in page when the user cancels there, and the return path is kept", async () => {
    await using visitor = await visit("/notes");
    const { page } = visitor;
    await page.getByRole("link", { name: "Continue with North" }).click();
    await page.getByRole("link", { name: "Cancel" }).click();
    await page.getByRole("alert").getByText("You cancelled at North.").waitFor();
    await signIn(page);
    await page.getByText("You have no notes yet.").waitFor();
  });

  test("[S59] reauthenticate a user without a password before another identity is linked", async () => {
    await using visitor = await visit("/linked-accounts");
    const { page } = visitor;
    await through(page, "North", "katherine");
    await page.getByText("This is your only way to sign in").waitFor();
    // What can be linked is not yet a way to sign in.
    const ways = page.getByRole("list").filter({ has: page.getByText(/linked /) });
    expect(await ways.getByRole("listitem").count()).toBe(1);
    await page.getByRole("heading", { name: "You can link" }).waitFor();
    expect(await button(page, "Unlink North").count()).toBe(0);
    clock.advanceSeconds(agoSeconds);
    await button(page, "Link South").click();
    await page.getByRole("dialog").getByRole("link", { name: "Continue with North" }).click();
    await againAtProvider(page, "katherine");
    await button(page, "Link South").click();
    await atProvider(page, "kathy");
    await page.getByText("South is linked.").waitFor();
  });
});
