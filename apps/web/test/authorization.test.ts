// An authorization request in a browser: a client sends the user here, they sign in, decide, and are sent back.

import { john, testClock, testSource } from "@lockstep/server/testing";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { describeInBrowser, openContext } from "./browser.ts";
import { idOf, north } from "./client.ts";
import { meetingsBy } from "./meetings.ts";
import { allSelected, button, eventually, expectAccessible, focusedText, heading, pathOf, signIn } from "./visitor.ts";

const asks = "Printshop asks for access to your Lockstep account";
const ann = { username: "ann", password: "another secret", fullName: "Ann Other" } as const;

describeInBrowser("an authorization request", (browser) => {
  const meet = meetingsBy(browser);

  /** Waits until the user is back at the client, and returns the URL. */
  const cameBack = async (page: Page): Promise<URL> => {
    await page.getByRole("heading", { name: "Back at Printshop" }).waitFor();
    return new URL(page.url());
  };

  const createAnn = async ({ server }: Pick<Awaited<ReturnType<typeof meet>>, "server">): Promise<string> => {
    const passwordHash = await server.domain.passwords.hash(ann.password);
    const user = { username: ann.username, email: null, fullName: ann.fullName, role: "user", passwordHash } as const;
    await server.domain.users.create(user);
    return idOf(server, ann.username);
  };

  describe("the sign-in for it", () => {
    test("names the app, and fills in the expected username", async () => {
      await using visitor = await meet({ signedIn: false });
      const { page, app, username, password } = visitor;
      await page.goto((await app.begin({ login_hint: john.username })).url);
      await heading(page, "Sign in").waitFor();
      await page.getByText("to continue to Printshop").waitFor();
      expect(await username.inputValue()).toBe(john.username);
      await eventually(() => password.evaluate((input) => input === document.activeElement), true);
      await page.keyboard.type("wrong");
      await page.keyboard.press("Enter");
      await page.getByRole("alert").getByText("The username or the password is wrong.").waitFor();
      await page.keyboard.type(john.password);
      await page.keyboard.press("Enter");
      await heading(page, asks).waitFor();
    });

    test("is not shown to a signed-in user", async () => {
      await using visitor = await meet();
      const { page, app } = visitor;
      await page.goto((await app.begin()).url);
      await heading(page, asks).waitFor();
      const account = page.getByRole("region", { name: "Signed in as" });
      await account.getByText(john.fullName).waitFor();
      await account.getByText(`@${john.username}`).waitFor();
    });

    test("is repeated when the app requires a fresh one", async () => {
      const clock = testClock(Date.now() - 60_000);
      await using visitor = await meet({ server: { now: clock.now } });
      clock.advanceSeconds(60);
      const { page, app } = visitor;
      const password = page.getByLabel("Your password", { exact: true });
      const { url, redeem } = await app.begin({ prompt: "login" });
      await page.goto(url);
      await heading(page, "Enter your password again").waitFor();
      await page.getByText("Printshop asks you to confirm that it is you.").waitFor();
      await eventually(() => password.evaluate((input) => input === document.activeElement), true);
      await page.keyboard.type("wrong");
      await page.keyboard.press("Enter");
      await page.getByText("This is not your password.").waitFor();
      expect(await password.getAttribute("aria-invalid")).toBe("true");
      await allSelected(page);
      await page.keyboard.type(john.password);
      await page.keyboard.press("Enter");
      await heading(page, asks).waitFor();
      await button(page, "Allow").click();
      const back = await cameBack(page);
      expect((await redeem(back.href)).claims()).toBeTruthy();
    });

    test("is at the identity provider for a user without a password", async () => {
      const clock = testClock(Date.now() - 60_000);
      await using visitor = await meet({ server: { now: clock.now, config: { providers: [north] } } });
      clock.advanceSeconds(60);
      const { page, server, app } = visitor;
      const { name, issuer } = north;
      const identity = { issuer, subject: "j", email: null, emailVerified: false, fullName: null, username: null };
      await server.domain.identities.link(await idOf(server), name, identity, testSource);
      await server.db.updateTable("users").set({ password_hash: null }).execute();
      await page.goto((await app.begin({ prompt: "login" })).url);
      await heading(page, "Sign in again").waitFor();
      await page.getByText("Printshop asks you to confirm that it is you.").waitFor();
      const link = page.getByRole("link", { name: "Continue with North" });
      const returnTo = encodeURIComponent(pathOf(page));
      expect(await link.getAttribute("href")).toBe(`/login/north?fresh=1&returnTo=${returnTo}`);
      await expectAccessible(page);
    });

    test("shows the names of identity providers in full on a phone, however long they are", async () => {
      const label = "the customer portal of a company with a long name";
      const providers = [{ ...north, label }];
      const viewport = { width: 360, height: 640 };
      await using visitor = await meet({
        path: "/sign-in",
        signedIn: false,
        server: { config: { providers } },
        viewport,
      });
      const link = visitor.page.getByRole("link", { name: `Continue with ${label}` });
      await link.waitFor();
      expect(
        await link.evaluate((element) => [
          element.scrollWidth <= element.clientWidth,
          element.scrollHeight <= element.clientHeight,
        ]),
      ).toEqual([true, true]);
    });

    test("can be as another user, who is then asked for consent", async () => {
      await using visitor = await meet();
      const { page, app, username } = visitor;
      const id = await createAnn(visitor);
      const { url, redeem } = await app.begin({ login_hint: john.username });
      await page.goto(url);
      await button(page, "Use another account").click();
      await heading(page, "Sign in").waitFor();
      await page.getByText("to continue to Printshop").waitFor();
      expect(await username.inputValue()).toBe("");
      await signIn(page, ann.password, ann.username);
      await page.getByRole("region", { name: "Signed in as" }).getByText(ann.fullName).waitFor();
      await button(page, "Allow").click();
      const back = await cameBack(page);
      expect((await redeem(back.href)).claims()?.sub).toBe(id);
    });
  });

  describe("the question for consent", () => {
    test("shows the app, the scopes, the duration and the destination [S30]", async () => {
      await using visitor = await meet();
      const { page, app, server } = visitor;
      await page.goto((await app.begin({ scope: "openid profile:read notes:read" })).url);
      await heading(page, asks).waitFor();
      const requested = page.locator("section", { has: page.getByRole("heading", { name: "It will be able to" }) });
      expect(await requested.getByRole("listitem").allTextContents()).toEqual([
        "Know that it is you",
        "See your name, username and e-mail address",
        "Read your notes",
      ]);
      const days = server.config.sessionLimits.idleSeconds / 86_400;
      await page.getByText(`or until it is not used for ${days} days.`).waitFor();
      await page.getByText(new URL(app.origin).host, { exact: true }).waitFor();
      expect(await page.getByRole("link", { name: "printshop.example/about" }).getAttribute("rel")).toBe("noreferrer");
      expect(await page.getByText("Not verified").count()).toBe(0);
      expect(await page.getByRole("navigation").count()).toBe(0);
    });

    test("shows a long name of the user beside the avatar, and the button below", async () => {
      await using visitor = await meet();
      const { page, app, server } = visitor;
      const fullName = `Maximiliane${"a".repeat(100)}`;
      await server.db.updateTable("users").set({ full_name: fullName }).execute();
      await page.goto((await app.begin()).url);
      const account = page.getByRole("region", { name: "Signed in as" });
      const name = await account.getByText(fullName).boundingBox();
      const other = await button(page, "Use another account").boundingBox();
      expect(name?.width).toBeGreaterThan(200);
      expect(other?.y).toBeGreaterThan((name?.y ?? 0) + (name?.height ?? 0));
    });

    test("returns a code for tokens with exactly these scopes when it is allowed", async () => {
      await using visitor = await meet();
      const { page, app, server } = visitor;
      const { url, redeem } = await app.begin();
      await page.goto(url);
      await button(page, "Allow").click();
      const back = await cameBack(page);
      expect(back.origin + back.pathname).toBe(`${app.origin}/callback`);
      const { access_token, scope } = await redeem(back.href);
      expect(scope).toBe("openid profile:read");
      const call = (path: string) =>
        fetch(server.url + path, { headers: { authorization: `Bearer ${access_token}` } }).then(({ status }) => status);
      expect([await call("/users/me"), await call("/api/notes")]).toEqual([200, 403]);
    });

    test("returns access_denied when it is denied", async () => {
      await using visitor = await meet();
      const { page, app, server } = visitor;
      await page.goto((await app.begin()).url);
      await button(page, "Deny").click();
      const back = await cameBack(page);
      expect(back.searchParams.get("error")).toBe("access_denied");
      expect(back.searchParams.has("code")).toBe(false);
      expect(await server.domain.grants.list(await idOf(server))).toEqual([]);
    });

    test("is not asked again for a verified app", async () => {
      await using visitor = await meet();
      const { page, app } = visitor;
      await page.goto((await app.begin()).url);
      await button(page, "Allow").click();
      await cameBack(page);

      await page.goto("/");
      const { url, redeem } = await app.begin();
      await page.goto(url);
      expect((await redeem((await cameBack(page)).href)).claims()).toBeTruthy();
    });

    test("is skipped after signing in when it was answered before", async () => {
      await using visitor = await meet();
      const { page, context, app } = visitor;
      await page.goto((await app.begin()).url);
      await button(page, "Allow").click();
      await cameBack(page);

      await context.clearCookies();
      await page.goto((await app.begin()).url);
      await heading(page, "Sign in").waitFor();
      await signIn(page);
      await cameBack(page);
    });

    test("separates new scopes from those that were allowed before", async () => {
      await using visitor = await meet();
      const { page, app } = visitor;
      await page.goto((await app.begin()).url);
      await button(page, "Allow").click();
      await cameBack(page);

      await page.goto((await app.begin({ scope: "openid profile:read notes:read" })).url);
      const listBelow = (title: string) =>
        page
          .locator("section", { has: page.getByRole("heading", { name: title }) })
          .getByRole("listitem")
          .allTextContents();
      await page.getByRole("heading", { name: "New: it will be able to" }).waitFor();
      expect(await listBelow("New: it will be able to")).toEqual(["Read your notes"]);
      expect(await listBelow("Already allowed")).toEqual([
        "Know that it is you",
        "See your name, username and e-mail address",
      ]);
    });

    test("is asked each time, with a warning, for an unverified app [S30]", async () => {
      await using visitor = await meet({ app: { verified: false } });
      const { page, app } = visitor;
      for (const title of ["It will be able to", "Already allowed"]) {
        await page.goto((await app.begin()).url);
        await page.getByRole("heading", { name: title }).waitFor();
        const warning = page.getByRole("note");
        await warning.getByText("Not verified").waitFor();
        await warning.getByText(new URL(app.origin).host).waitFor();
        await button(page, "Allow").click();
        await cameBack(page);
      }
    });

    test("can be answered by keyboard alone", async () => {
      await using visitor = await meet();
      const { page, app } = visitor;
      await page.goto((await app.begin()).url);
      await heading(page, asks).waitFor();
      const passed: (string | null | undefined)[] = [];
      for (const name of ["Skip to the content", "Use another account", "printshop.example/about", "Deny", "Allow"]) {
        await page.keyboard.press("Tab");
        passed.push(await focusedText(page));
        expect(passed.at(-1)).toBe(name);
      }
      await page.keyboard.press("Enter");
      expect((await cameBack(page)).searchParams.has("code")).toBe(true);
    });

    test("stays open when the answer did not reach the server", async () => {
      await using visitor = await meet();
      const { page, context, app } = visitor;
      await page.goto((await app.begin()).url);
      await heading(page, asks).waitFor();
      await context.setOffline(true);
      await button(page, "Allow").click();
      await page.getByRole("alert").getByText("You are offline", { exact: true }).waitFor();
      await context.setOffline(false);
      await button(page, "Allow").click();
      await cameBack(page);
    });

    test("leaves a message in the browser when a native app opens", async () => {
      await using visitor = await meet({
        app: { kind: "native", redirectUris: ["com.example.printshop:/callback"], postLogoutRedirectUris: [] },
      });
      const { page, app } = visitor;
      await page.goto((await app.begin()).url);
      await page.getByText("com.example.printshop:", { exact: true }).waitFor();
      await button(page, "Allow").click();
      await heading(page, "Going back to Printshop").waitFor();
    });
  });

  describe("that cannot be answered", () => {
    test.each([
      ["signed in", true],
      ["signed out", false],
    ])("is explained to a user who is %s, without a redirect", async (_name, signedIn) => {
      await using visitor = await meet({ signedIn });
      const { page } = visitor;
      for (const id of ["nonsense", "x".repeat(101)]) {
        await page.goto(`/interaction/${id}`);
        await heading(page, "This request is no longer open").waitFor();
        expect(pathOf(page)).toBe(`/interaction/${id}`);
      }
      await expectAccessible(page);
    });

    test("includes one that began in another browser", async () => {
      await using visitor = await meet();
      const { page, app } = visitor;
      const attacker = await openContext(browser());
      const theirs = await attacker.newPage();
      await theirs.goto((await app.begin()).url);
      await heading(theirs, "Sign in").waitFor();
      const address = theirs.url();
      await attacker.close();
      await page.goto(address);
      await heading(page, "This request is no longer open").waitFor();
    });

    test("includes one that was already answered", async () => {
      await using visitor = await meet();
      const { page, app } = visitor;
      await page.goto((await app.begin()).url);
      await heading(page, asks).waitFor();
      const address = page.url();
      await button(page, "Allow").click();
      await cameBack(page);
      await page.goto(address);
      await heading(page, "This request is no longer open").waitFor();
    });
  });

  test("cannot be framed by a page of another site [S18]", async () => {
    await using visitor = await meet();
    const { page, context, app, server } = visitor;
    await page.goto((await app.begin()).url);
    await heading(page, asks).waitFor();
    const address = page.url();
    const { headers } = await fetch(address, { headers: { accept: "text/html" } });
    expect(headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
    expect(headers.get("x-frame-options")).toBe("DENY");
    expect(headers.get("referrer-policy")).toBe("no-referrer");

    const frame = await context.newPage();
    await frame.route("https://evil.example/", (route) =>
      route.fulfill({ contentType: "text/html", body: `<iframe src="${address}"></iframe>` }),
    );
    await frame.goto("https://evil.example/");
    expect(
      frame
        .frames()
        .map((each) => each.url())
        .filter((url) => url.startsWith(server.url)),
    ).toEqual([]);
  });

  describe.each(["light", "dark"] as const)("in %s colours", (colorScheme) => {
    test("is accessible (axe) in every state, and fits a phone", async () => {
      const clock = testClock(Date.now() - 60_000);
      await using visitor = await meet({
        signedIn: false,
        server: { now: clock.now },
        colorScheme,
        viewport: { width: 360, height: 640 },
        app: { verified: false, name: "W".repeat(100) },
      });
      const { page, app } = visitor;
      const check = async () => {
        await expectAccessible(page);
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
      };
      await page.goto((await app.begin()).url);
      await heading(page, "Sign in").waitFor();
      await check();
      await signIn(page);
      await button(page, "Allow").waitFor();
      await check();
      await button(page, "Allow").click();
      await cameBack(page);
      clock.advanceSeconds(60);
      await page.goto((await app.begin({ prompt: "login", scope: "openid profile:read notes:read" })).url);
      await heading(page, "Enter your password again").waitFor();
      await check();
      await page.getByLabel("Your password", { exact: true }).fill(john.password);
      await button(page, "Continue").click();
      await page.getByRole("heading", { name: "New: it will be able to" }).waitFor();
      await check();
    });
  });
});
