// The web app end to end: the built files, served by a real server, in a real browser.

import { john, testSource } from "@lockstep/server/testing";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { ownPages } from "../src/pages.ts";
import { describeInBrowser } from "./browser.ts";
import {
  allSelected,
  button,
  eventually,
  expectAccessible,
  focusedText,
  heading,
  pathOf,
  signIn,
  visitsBy,
} from "./visitor.ts";

describeInBrowser("the web app", (browser) => {
  const { visit, visitSignedIn } = visitsBy(browser);

  describe("signing in", () => {
    test("shows the account that the server answers with", async () => {
      await using visitor = await visit("/");
      const { page } = visitor;
      await signIn(page);
      await heading(page, "Account").waitFor();
      const profile = page.getByRole("region", { name: "Profile" });
      await profile.getByText(john.fullName, { exact: true }).waitFor();
      await profile.getByText(john.email, { exact: true }).waitFor();
      expect(pathOf(page)).toBe("/");
      expect(await page.title()).toBe("Account · Lockstep");
    });

    test("announces a wrong password, and selects it to be typed over", async () => {
      await using visitor = await visit("/");
      const { page, password } = visitor;
      await signIn(page, "wrong");
      await page.getByRole("alert").getByText("The username or the password is wrong.").waitFor();
      await allSelected(page);
      expect(await password.evaluate((input) => input === document.activeElement)).toBe(true);
      await page.keyboard.type(john.password);
      await page.keyboard.press("Enter");
      await heading(page, "Account").waitFor();
    });

    test("[S65] accepts a pasted password", async () => {
      await using visitor = await visit("/sign-in");
      const { page, username, password } = visitor;
      await username.fill(john.password);
      await username.press("Control+A");
      await username.press("Control+X");
      await username.fill(john.username);
      await password.press("Control+V");
      expect(await password.inputValue()).toBe(john.password);
      await button(page, "Sign in").click();
      await heading(page, "Account").waitFor();
    });

    test("[S65] accepts the input of a password manager, which sends no key events", async () => {
      await using visitor = await visit("/sign-in");
      const { page, username, password } = visitor;
      expect(await username.getAttribute("autocomplete")).toBe("username webauthn");
      expect(await password.getAttribute("autocomplete")).toBe("current-password");
      for (const [field, value] of [
        [username, john.username],
        [password, john.password],
      ] as const) {
        await field.evaluate((input: HTMLInputElement, filled) => {
          // As from outside the page, where React's own properties of the element are not visible.
          Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value")?.set?.call(input, filled);
          for (const type of ["input", "change"]) input.dispatchEvent(new Event(type, { bubbles: true }));
        }, value);
      }
      await button(page, "Sign in").click();
      await heading(page, "Account").waitFor();
    });

    test("reports an empty field with the contract's message, without a request", async () => {
      await using visitor = await visit("/sign-in");
      const { page, username, password } = visitor;
      await username.waitFor();
      const calls: string[] = [];
      page.on("request", (request) => {
        if (request.url().includes("/trpc/")) calls.push(request.url());
      });
      await button(page, "Sign in").click();
      await page.getByText("Enter your username or e-mail address").waitFor();
      await page.getByText("Enter your password").waitFor();
      expect(await username.evaluate((input) => input === document.activeElement)).toBe(true);
      expect(await username.getAttribute("aria-invalid")).toBe("true");
      expect(await password.getAttribute("aria-invalid")).toBe("true");
      expect(await password.getAttribute("aria-describedby")).toBeTruthy();
      expect(calls).toEqual([]);
    });

    test("supports password managers and pasting", async () => {
      await using visitor = await visit("/sign-in", { permissions: ["clipboard-read", "clipboard-write"] });
      const { page, username, password } = visitor;
      expect(await username.getAttribute("autocomplete")).toBe("username webauthn");
      expect(await password.getAttribute("autocomplete")).toBe("current-password");
      expect(await password.getAttribute("type")).toBe("password");
      await page.evaluate((text) => navigator.clipboard.writeText(text), john.password);
      await password.focus();
      await page.keyboard.press("ControlOrMeta+V");
      expect(await password.inputValue()).toBe(john.password);
    });

    test("works by keyboard alone, with a visible focus that moves to the new page", async () => {
      await using visitor = await visit("/");
      const { page, username } = visitor;
      expect(await username.evaluate((input) => input === document.activeElement)).toBe(true);
      await page.keyboard.type(john.username);
      await page.keyboard.press("Tab");
      await page.keyboard.type(john.password);
      await page.keyboard.press("Tab");
      expect(await page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toBe("Show the password");
      await page.keyboard.press("Tab");
      expect(await focusedText(page)).toBe("Sign in");
      const outline = await page.evaluate(() => {
        const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement as Element);
        return { outlineStyle, outlineWidth };
      });
      expect(outline).toEqual({ outlineStyle: "solid", outlineWidth: "2px" });
      await page.keyboard.press("Enter");
      await heading(page, "Account").waitFor();
      await eventually(() => focusedText(page), "Account");
    });

    test("has a link that skips the navigation", async () => {
      await using visitor = await visitSignedIn();
      const { page } = visitor;
      await page.getByRole("link", { name: "Skip to the content" }).focus();
      await page.keyboard.press("Enter");
      await eventually(() => page.evaluate(() => document.activeElement?.id), "content");
    });
  });

  describe("the return path after signing in", () => {
    test("leads to the requested page", async () => {
      await using visitor = await visit("/notes?from=mail");
      const { page } = visitor;
      await heading(page, "Sign in").waitFor();
      await signIn(page);
      await heading(page, "Notes").waitFor();
      expect(pathOf(page)).toBe("/notes?from=mail");
    });

    test.each(["https://evil.example/", "//evil.example/", "/\\evil.example/", "/..//evil.example/"])(
      "never leads to %s",
      async (address) => {
        await using visitor = await visit(`/sign-in?${new URLSearchParams({ return: address })}`);
        const { page, server } = visitor;
        await signIn(page);
        await heading(page, "Account").waitFor();
        expect(page.url()).toBe(`${server.url}/`);
      },
    );
  });

  describe("the account", () => {
    test("shows a change at once, and then the server's version of it", async () => {
      await using visitor = await visitSignedIn();
      const { page, server, fullName } = visitor;
      const held = Promise.withResolvers<void>();
      await page.route("**/trpc/user.update*", async (route) => {
        await held.promise;
        await route.continue();
      });
      await fullName.fill("  Jane Doe ");
      await button(page, "Save changes").click();

      await page.getByRole("button", { name: "Saving…" }).waitFor();
      const profile = page.getByRole("region", { name: "Profile" });
      await profile.getByText("Jane Doe", { exact: true }).waitFor();
      expect((await server.domain.users.findByLogin(john.username))?.user.fullName).toBe(john.fullName);

      held.resolve();
      await page.getByRole("status").getByText("Saved").waitFor();
      expect(await fullName.inputValue()).toBe("Jane Doe");
      expect((await server.domain.users.findByLogin(john.username))?.user.fullName).toBe("Jane Doe");
    });

    test("validates input with the contract's schema", async () => {
      await using visitor = await visitSignedIn();
      const { page, fullName } = visitor;
      await fullName.fill(" ");
      await button(page, "Save changes").click();
      await page.getByText("Enter your name").waitFor();
      expect(await fullName.evaluate((input) => input === document.activeElement)).toBe(true);
    });
  });

  test("greets the signed-in user", async () => {
    await using visitor = await visitSignedIn();
    const { page } = visitor;
    await page.getByRole("link", { name: "Notes" }).click();
    await page.getByText("You have no notes yet.").waitFor();
    await eventually(() => focusedText(page), "Notes");
    expect(await page.getByRole("link", { name: "Notes" }).getAttribute("aria-current")).toBe("page");
  });

  describe("the end of a session", () => {
    test("by signing out also ends it on the server", async () => {
      await using visitor = await visit("/notes");
      const { page, server } = visitor;
      // Read it at once: the browser discards the bodies of answers after a while.
      const answered = page.waitForResponse(/auth\.login/).then((response) => response.json());
      await signIn(page);
      const { result } = await answered;
      await button(page, "Sign out").click();
      await page.getByRole("status").getByText("You have signed out.").waitFor();
      await eventually(async () => pathOf(page), "/sign-in");
      const me = await fetch(`${server.url}/trpc/user.me`, {
        headers: { authorization: `Bearer ${result.data.accessToken}` },
      });
      expect(me.status).toBe(401);
      await page.goto("/notes");
      await heading(page, "Sign in").waitFor();
    });

    test("is not shown until the server confirms it", async () => {
      await using visitor = await visitSignedIn();
      const { page, context } = visitor;
      await context.setOffline(true);
      await button(page, "Sign out").click();
      await page.getByText("You are still signed in.").waitFor();
      await context.setOffline(false);
      await button(page, "Sign out").click();
      await page.getByRole("status").getByText("You have signed out.").waitFor();
    });

    test("counts as signing out when the session had already ended", async () => {
      await using visitor = await visitSignedIn({ unwatched: true });
      const { page, server, fullName } = visitor;
      const found = await server.domain.users.findByLogin(john.username);
      await server.domain.sessions.endAllOf(found?.user.id ?? "", "revoked", testSource);
      await button(page, "Sign out").click();
      await page.getByRole("status").getByText("You have signed out.").waitFor();
      await signIn(page);
      await fullName.waitFor();
      expect(await page.getByText("You are still signed in.").count()).toBe(0);
    });

    test("by the server leads to the sign-in page with the reason, and then back to the page", async () => {
      await using visitor = await visitSignedIn({ unwatched: true });
      const { page, server } = visitor;
      const found = await server.domain.users.findByLogin(john.username);
      if (!found) throw new Error("There is no john");
      await server.domain.sessions.endAllOf(found.user.id, "revoked", testSource);
      await page.getByRole("link", { name: "Notes" }).click();
      await heading(page, "Sign in").waitFor();
      await page.getByRole("status").getByText("This session was ended").waitFor();
      await eventually(() => focusedText(page), "Sign in");
      await signIn(page);
      await page.getByText("You have no notes yet.").waitFor();
    });

    test("leaves no data of one user for the next", async () => {
      await using visitor = await visitSignedIn();
      const { page, server, username, password } = visitor;
      await server.domain.users.create({
        username: "ann",
        email: null,
        fullName: "Ann Other",
        role: "user",
        passwordHash: await server.domain.passwords.hash("another secret"),
      });
      await page.getByRole("region", { name: "Profile" }).getByText(john.fullName).waitFor();
      await button(page, "Sign out").click();
      const held = Promise.withResolvers<void>();
      await page.route("**/trpc/user.me*", async (route) => {
        await held.promise;
        await route.continue();
      });
      await username.fill("ann");
      await password.fill("another secret");
      await button(page, "Sign in").click();
      await heading(page, "Account").waitFor();
      expect(await page.getByText(john.fullName).count()).toBe(0);
      held.resolve();
      await page.getByRole("region", { name: "Profile" }).getByText("Ann Other").waitFor();
    });
  });

  describe("without an answer of the server", () => {
    /** Loads the code of the notes page, but no notes, and returns to the account page. */
    const fetchNotesPage = async (page: Page) => {
      await page.getByRole("link", { name: "Notes" }).click();
      await page.getByRole("alert").waitFor();
      await page.getByRole("link", { name: "Account" }).click();
      await heading(page, "Account").waitFor();
    };

    test("shows that the browser is offline, and loads on retry", async () => {
      await using visitor = await visitSignedIn();
      const { page, context } = visitor;
      await page.route("**/trpc/*note.list*", (route) => route.abort());
      await fetchNotesPage(page);
      await context.setOffline(true);
      await page.getByRole("status").getByText("You are offline. What you see may be out of date.").waitFor();
      await page.getByRole("link", { name: "Notes" }).click();
      await page.getByRole("alert").getByText("You are offline", { exact: true }).waitFor();

      await context.setOffline(false);
      await page.getByRole("alert").getByText("The server cannot be reached").waitFor();
      expect(await page.getByText("You are offline.").count()).toBe(0);
      await page.unroute("**/trpc/*note.list*");
      await button(page, "Try again").click();
      await page.getByText("You have no notes yet.").waitFor();
    });

    test("loads automatically when the network is back", async () => {
      await using visitor = await visitSignedIn();
      const { page, context } = visitor;
      await page.route("**/trpc/*note.list*", (route) => route.abort());
      await fetchNotesPage(page);
      await page.unroute("**/trpc/*note.list*");
      await context.setOffline(true);
      await page.getByRole("link", { name: "Notes" }).click();
      await page.getByRole("alert").waitFor();
      await context.setOffline(false);
      await page.getByText("You have no notes yet.").waitFor();
    });

    test("distinguishes an unreachable server from a wrong password, and keeps the input", async () => {
      await using visitor = await visit("/sign-in");
      const { page, username } = visitor;
      await username.waitFor();
      await page.route("**/trpc/**", (route) => route.fulfill({ status: 502, body: "<h1>Bad gateway</h1>" }));
      await signIn(page);
      const alert = page.getByRole("alert");
      await alert.getByText("The server cannot be reached").waitFor();
      expect(await alert.evaluate((element) => element === document.activeElement)).toBe(true);
      expect(await username.inputValue()).toBe(john.username);
    });

    test("reverts a change that did not reach the server, and keeps it in the form", async () => {
      await using visitor = await visitSignedIn();
      const { page, context, fullName } = visitor;
      await context.setOffline(true);
      await fullName.fill("Jane Doe");
      await button(page, "Save changes").click();
      await page.getByRole("alert").getByText("You are offline", { exact: true }).waitFor();
      await page.getByRole("region", { name: "Profile" }).getByText(john.fullName, { exact: true }).waitFor();
      expect(await fullName.inputValue()).toBe("Jane Doe");
    });

    test("shows the reference of an internal error", async () => {
      await using visitor = await visitSignedIn();
      const { page, server } = visitor;
      await server.db.schema.alterTable("sessions").renameTo("elsewhere").execute();
      const answered = page.waitForResponse(/note\.list/);
      await page.getByRole("link", { name: "Notes" }).click();
      const [{ error }] = await (await answered).json();
      await page.getByRole("alert").getByText("Something went wrong on our side").waitFor();
      await page.getByText(error.data.requestId).waitFor();
    });
  });

  test("shows an error page when it fails", async () => {
    await using visitor = await visit("/");
    const { page, faults } = visitor;
    await page.route("**/trpc/user.me*", (route) => route.fulfill({ json: [{ result: { data: {} } }] }));
    await signIn(page);
    await page.getByRole("alert").getByText("Something broke in this page").waitFor();
    expect(faults.splice(0)).toEqual([expect.stringContaining("TypeError")]);
    await page.unroute("**/trpc/user.me*");
    await button(page, "Reload the page").click();
    await page.getByRole("region", { name: "Profile" }).getByText(john.fullName).waitFor();
  });

  test("prints nothing to the browser's console, on any page", async () => {
    await using visitor = await visitSignedIn();
    const { page } = visitor;
    const printed: string[] = [];
    page.on("console", (message) => printed.push(`${pathOf(page)}: ${message.type()}: ${message.text()}`));
    for (const path of ownPages.paths.filter((address) => !address.includes(":"))) {
      await page.goto(path.replace("/*?", ""));
      await page.getByRole("heading", { level: 1 }).waitFor();
      await eventually(() => page.locator("[aria-busy=true]").count(), 0);
    }
    await page.goto("/nowhere");
    await heading(page, "Page not found").waitFor();
    await button(page, "Sign out").click();
    await heading(page, "Sign in").waitFor();
    expect(printed).toEqual([]);
  });

  test("has a page for unknown addresses", async () => {
    await using visitor = await visit("/nowhere");
    const { page } = visitor;
    await heading(page, "Page not found").waitFor();
    await page.getByRole("link", { name: "Go to your account" }).click();
    await heading(page, "Sign in").waitFor();
  });

  describe("colours", () => {
    const scheme = (page: Page) => page.evaluate(() => document.documentElement.dataset["mantineColorScheme"]);

    test("follow the system until the user chooses, and the choice is remembered", async () => {
      await using visitor = await visit("/sign-in", { colorScheme: "dark" });
      const { page } = visitor;
      expect(await scheme(page)).toBe("dark");
      await page.emulateMedia({ colorScheme: "light" });
      await eventually(() => scheme(page), "light");
      await page.getByRole("radio", { name: "Dark" }).check();
      expect(await scheme(page)).toBe("dark");
      // Before the app itself has run.
      await page.route("**/assets/*.js", (route) => route.abort());
      await page.reload({ waitUntil: "domcontentloaded" });
      expect(await scheme(page)).toBe("dark");
    });
  });

  describe.each(["light", "dark"] as const)("in %s colours", (colorScheme) => {
    test("every page and state is accessible (axe)", async () => {
      await using visitor = await visit("/sign-in", { colorScheme });
      const { page, context, username, fullName } = visitor;
      await username.waitFor();
      await expectAccessible(page);

      await button(page, "Sign in").click();
      await page.getByText("Enter your password").waitFor();
      await expectAccessible(page);

      await signIn(page, "wrong");
      await page.getByRole("alert").waitFor();
      await expectAccessible(page);

      await signIn(page);
      await fullName.fill(" ");
      await expectAccessible(page);
      await button(page, "Save changes").click();
      await page.getByText("Enter your name").waitFor();
      await expectAccessible(page);

      await page.getByRole("link", { name: "Notes" }).click();
      await page.getByText("You have no notes yet.").waitFor();
      await expectAccessible(page);

      await context.setOffline(true);
      await button(page, "Sign out").click();
      await page.getByText("You are still signed in.").waitFor();
      await expectAccessible(page);

      await context.setOffline(false);
      await button(page, "Sign out").click();
      await page.getByText("You have signed out.").waitFor();
      await expectAccessible(page);

      await page.goto("/nowhere");
      await heading(page, "Page not found").waitFor();
      await expectAccessible(page);
    });
  });

  test("fits a phone of 360 px without scrolling sideways", async () => {
    await using visitor = await visit("/sign-in", { viewport: { width: 360, height: 640 } });
    const { page, fullName } = visitor;
    const widths = () =>
      page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    await heading(page, "Sign in").waitFor();
    expect(await widths()).toEqual([360, 360]);
    await signIn(page);
    await fullName.fill("W".repeat(200));
    await button(page, "Save changes").click();
    await page.getByText("Saved").waitFor();
    expect(await widths()).toEqual([360, 360]);
    await button(page, "Menu").click();
    expect(await widths()).toEqual([360, 360]);
    await page.getByRole("link", { name: "Notes" }).click();
    await page.getByText("You have no notes yet.").waitFor();
    expect(await widths()).toEqual([360, 360]);
  });

  test("is served compressed, with a policy that allows no inline code", async () => {
    await using visitor = await visit("/sign-in");
    const { page, server } = visitor;
    const script = await page.locator("script[type=module]").getAttribute("src");
    for (const encoding of ["br", "gzip"]) {
      const answer = await fetch(`${server.url}${script}`, { headers: { "accept-encoding": encoding } });
      expect(answer.headers.get("content-encoding")).toBe(encoding);
      expect(answer.headers.get("content-type")).toMatch(/^(text|application)\/javascript/);
      expect(answer.headers.get("cache-control")).toContain("immutable");
    }
    const html = await fetch(`${server.url}/notes`, { headers: { accept: "text/html" } });
    expect(html.headers.get("content-security-policy")).toContain("style-src 'self'");
    expect(html.headers.get("cache-control")).toBe("no-cache");
    expect(await page.locator("style, script:not([src])").count()).toBe(0);
  });
});
