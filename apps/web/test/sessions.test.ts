// Sessions in a browser: the list, how they end, here and elsewhere, and changing the password.

import { john, testClock, testSource } from "@lockstep/server/testing";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { describeInBrowser } from "./browser.ts";
import {
  allSelected,
  button,
  eventually,
  expectAccessible,
  expectPresentable,
  focusedText,
  heading,
  pathOf,
  phone,
  signIn,
  visitsBy,
} from "./visitor.ts";

type Visitor = Awaited<ReturnType<ReturnType<typeof visitsBy>["visitSignedIn"]>>;

const firefoxOnWindows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0";
const newPassword = "seven wooden kites in the rain";

/** Signs john in on another device. */
const signInElsewhere = async (
  { server }: Pick<Visitor, "server">,
  { password = john.password, userAgent = firefoxOnWindows }: { password?: string; userAgent?: string } = {},
) => {
  const answer = await fetch(`${server.url}/trpc/auth.login`, {
    method: "POST",
    headers: { "content-type": "application/json", "user-agent": userAgent },
    body: JSON.stringify({ username: john.username, password }),
  });
  const { result } = (await answer.json()) as { result?: { data: { sessionId: string; accessToken: string } } };
  return { ...result?.data, httpStatus: answer.status };
};

const johnsId = async ({ server }: Pick<Visitor, "server">) => {
  const found = await server.domain.users.findByLogin(john.username);
  if (!found) throw new Error("There is no john");
  return found.user.id;
};

const liveSessions = async (visitor: Pick<Visitor, "server">) =>
  (await visitor.server.domain.sessions.list(await johnsId(visitor))).length;

/** Waits until the page gets events. */
const watched = (page: Page) => page.waitForResponse(/session\.events/);

const sessionItems = (page: Page) => page.getByRole("region", { name: "Signed in" }).getByRole("listitem");
const passwords = (page: Page) => ({
  current: page.getByLabel("Current password", { exact: true }),
  next: page.getByLabel("New password", { exact: true }),
  again: page.getByRole("dialog").getByLabel("Your password", { exact: true }),
});
const isFocused = (page: Page, label: string) =>
  page.getByLabel(label, { exact: true }).evaluate((input) => input === document.activeElement);

describeInBrowser("sessions", (browser) => {
  const { visit, visitSignedIn } = visitsBy(browser);

  const visitSessions = async (options: Parameters<typeof visitSignedIn>[0] = {}) => {
    const visitor = await visit("/sessions", options);
    const watching = options.unwatched || watched(visitor.page);
    await signIn(visitor.page);
    await sessionItems(visitor.page).first().waitFor();
    await watching;
    return visitor;
  };

  const visitPassword = async (options: Parameters<typeof visitSignedIn>[0] = {}) => {
    const visitor = await visit("/password", options);
    const watching = watched(visitor.page);
    await signIn(visitor.page);
    await passwords(visitor.page).current.waitFor();
    await watching;
    return visitor;
  };

  const changePassword = async (page: Page, current: string, next: string) => {
    await passwords(page).current.fill(current);
    await passwords(page).next.fill(next);
    await button(page, "Change the password").click();
  };

  describe("staying signed in", () => {
    test("a reload keeps the user signed in, and never shows the sign-in page", async () => {
      await using visitor = await visitSignedIn();
      const { page, fullName } = visitor;
      await page.addInitScript(() => {
        const seen: string[] = [];
        Object.assign(globalThis, { seen });
        new MutationObserver(() => {
          const title = document.querySelector("h1")?.textContent;
          if (title && !seen.includes(title)) seen.push(title);
        }).observe(document, { childList: true, subtree: true });
      });
      await page.reload();
      await fullName.waitFor();
      expect(await page.evaluate(() => (globalThis as unknown as { seen: string[] }).seen)).toEqual(["Account"]);
      expect(await liveSessions(visitor)).toBe(1);
    });

    test("an expired access token does not require a new sign-in", async () => {
      const clock = testClock();
      await using visitor = await visitSignedIn({ server: { now: clock.now } });
      const { page } = visitor;
      clock.advanceSeconds(11 * 60);
      await page.getByRole("link", { name: "Notes" }).click();
      await page.getByText("You have no notes yet.").waitFor();
    });

    test("an unreachable server is reported, and can be tried again", async () => {
      await using visitor = await visitSignedIn();
      const { page, fullName } = visitor;
      await page.route("**/trpc/**", (route) => route.abort());
      await page.reload();
      await heading(page, "Not connected").waitFor();
      await page.getByRole("alert").getByText("The server cannot be reached").waitFor();
      await expectAccessible(page);
      await page.unroute("**/trpc/**");
      await button(page, "Try again").click();
      await fullName.waitFor();
    });

    test("no script of the page can read the session cookie", async () => {
      await using visitor = await visitSignedIn();
      const { page, context } = visitor;
      const cookies = await context.cookies();
      expect(cookies.map(({ name, httpOnly, sameSite }) => `${name} ${httpOnly} ${sameSite}`).toSorted()).toEqual([
        "lockstep-device true Strict",
        "lockstep-session true Strict",
      ]);
      expect(await page.evaluate(() => [document.cookie, localStorage.length, sessionStorage.length])).toEqual([
        "",
        0,
        0,
      ]);
    });
  });

  describe("the list", () => {
    test("shows this session and the others, in words", async () => {
      await using visitor = await visitSessions();
      const { page } = visitor;
      await signInElsewhere(visitor);
      await page.reload();
      await sessionItems(page).nth(1).waitFor();
      const [first, second] = await sessionItems(page).allInnerTexts();
      expect(first).toMatch(
        /Chrome on Linux[\s\S]*This one[\s\S]*127\.0\.0\.1[\s\S]*Signed in just now[\s\S]*last seen just now/,
      );
      expect(second).toMatch(/Firefox on Windows[\s\S]*127\.0\.0\.1/);
      expect(second).not.toContain("This one");
      await page.getByRole("link", { name: "Sessions" }).and(page.locator("[aria-current=page]")).waitFor();
    });

    test("says when there is no other session", async () => {
      await using visitor = await visitSessions();
      const { page } = visitor;
      await page.getByText("You are not signed in anywhere else.").waitFor();
      expect(await button(page, "End all others").count()).toBe(0);
    });

    test("ends one session, keeps the focus, and says so", async () => {
      await using visitor = await visitSessions({ unwatched: true });
      const { page, server } = visitor;
      const { accessToken } = await signInElsewhere(visitor);
      await page.reload();
      await button(page, "End the session of Firefox on Windows, 127.0.0.1").click();
      await page.getByRole("status").getByText("The session of Firefox on Windows has ended.").waitFor();
      expect(await sessionItems(page).count()).toBe(1);
      await eventually(() => focusedText(page), "Signed in");
      const me = await fetch(`${server.url}/trpc/user.me`, { headers: { authorization: `Bearer ${accessToken}` } });
      expect(me.status).toBe(401);
    });

    test("removes a session that had already ended (SESSION_NOT_FOUND)", async () => {
      await using visitor = await visitSessions({ unwatched: true });
      const { page, server } = visitor;
      const { sessionId } = await signInElsewhere(visitor);
      await page.reload();
      await sessionItems(page).nth(1).waitFor();
      await server.domain.sessions.end(await johnsId(visitor), sessionId ?? "", "signed_out", testSource);
      await button(page, "End the session of Firefox on Windows, 127.0.0.1").click();
      await page.getByRole("status").getByText("The session of Firefox on Windows has ended.").waitFor();
      expect(await page.getByRole("alert").count()).toBe(0);
      await eventually(() => focusedText(page), "Signed in");
    });

    test("ends all others, after asking, by keyboard alone", async () => {
      await using visitor = await visitSessions();
      const { page } = visitor;
      await signInElsewhere(visitor);
      await signInElsewhere(visitor, { userAgent: "curl/8.14.1" });
      await button(page, "End all others").focus();
      await page.keyboard.press("Enter");
      const dialog = page.getByRole("dialog", { name: "End all other sessions?" });
      await dialog.getByText("The 2 other sessions end immediately.").waitFor();
      await page.keyboard.press("Escape");
      await eventually(() => focusedText(page), "End all others");
      expect(await liveSessions(visitor)).toBe(3);

      await page.keyboard.press("Enter");
      await dialog.waitFor();
      expect(await focusedText(page)).toBe("Cancel");
      await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      await page.getByText("You are not signed in anywhere else.").waitFor();
      await eventually(() => focusedText(page), "Signed in");
      expect(await liveSessions(visitor)).toBe(1);
    });

    test("says why it cannot end a session, and leaves it in the list", async () => {
      await using visitor = await visitSessions();
      const { page, context } = visitor;
      await signInElsewhere(visitor);
      await sessionItems(page).nth(1).waitFor();
      await context.setOffline(true);
      await button(page, "End the session of Firefox on Windows, 127.0.0.1").click();
      await page.getByRole("alert").getByText("You are offline", { exact: true }).waitFor();
      expect(await sessionItems(page).count()).toBe(2);
    });

    test("reports that it cannot be loaded, and loads on retry", async () => {
      await using visitor = await visitSignedIn();
      const { page } = visitor;
      // Calls of one tick are one request.
      await page.route("**/trpc/*session.list*", (route) => route.abort());
      await page.getByRole("link", { name: "Sessions", exact: true }).click();
      await page.getByRole("alert").getByText("The server cannot be reached").first().waitFor();
      await page.unroute("**/trpc/*session.list*");
      await button(page, "Try again").first().click();
      await sessionItems(page).first().waitFor();
    });

    test("shows the recent activity in plain words", async () => {
      await using visitor = await visitSessions();
      const { page } = visitor;
      await signInElsewhere(visitor, { password: "wrong" });
      await page.reload();
      const activity = page.getByRole("region", { name: "Recent activity" });
      await activity.getByText("A sign-in failed").waitFor();
      await activity.getByText("Firefox on Windows, 127.0.0.1").waitFor();
      await activity.getByText("Signed in", { exact: true }).waitFor();
    });

    test("shows the recent activity aligned on a phone, even with long lines", async () => {
      await using visitor = await visitSessions();
      const { page } = visitor;
      await page.setViewportSize({ width: 390, height: 800 });
      await signInElsewhere(visitor, { userAgent: "curl/8.0" });
      await signInElsewhere(visitor);
      await page.reload();
      const activity = page.getByRole("region", { name: "Recent activity" });
      await activity.getByText("Firefox on Windows, 127.0.0.1").waitFor();
      const indents = await activity
        .locator("time")
        .evaluateAll((times) => times.map((time) => time.getBoundingClientRect().left));
      expect([indents.length > 2, new Set(indents).size]).toEqual([true, 1]);
    });
  });

  describe("live", () => {
    test("a sign-in elsewhere appears without a reload, is announced politely, and disappears when it ends", async () => {
      await using visitor = await visitSessions();
      const { page, server } = visitor;
      const { sessionId } = await signInElsewhere(visitor);
      await sessionItems(page).getByText("Firefox on Windows").waitFor();
      await page.getByRole("status").getByText("Firefox on Windows signed in.").waitFor();
      await page.getByRole("status").getByText("Somebody signed in to your account").waitFor();

      await server.domain.sessions.end(await johnsId(visitor), sessionId ?? "", "signed_out", testSource);
      await page.getByRole("status").getByText("The session of Firefox on Windows has ended.").waitFor();
      expect(await sessionItems(page).count()).toBe(1);
      expect(await page.getByText("Somebody signed in to your account").count()).toBe(0);
    });

    test("a sign-in elsewhere is shown on every page until the user has seen it", async () => {
      await using visitor = await visit("/");
      const { page, fullName } = visitor;
      const watching = watched(page);
      await signIn(page);
      await fullName.waitFor();
      await watching;
      await signInElsewhere(visitor);
      await page.getByRole("status").getByText("Firefox on Windows, from 127.0.0.1, just now").waitFor();
      await page.getByRole("link", { name: "See your sessions" }).click();
      await heading(page, "Sessions").waitFor();
      await button(page, "It was me").click();
      expect(await page.getByText("Somebody signed in to your account").count()).toBe(0);
    });

    test.each([
      ["a computer", { viewport: { width: 1280, height: 800 } }],
      ["a phone", phone],
    ])("the notice of a sign-in elsewhere moves nothing on %s, and covers nothing for good", async (_of, options) => {
      await using visitor = await visit("/", options);
      const { page, fullName } = visitor;
      const watching = watched(page);
      await signIn(page);
      await fullName.waitFor();
      await watching;
      const places = () =>
        page
          .locator("main :is(h1, label, input, button)")
          .evaluateAll((all) =>
            all.filter((each) => !each.closest("[role=status]")).map((each) => each.getBoundingClientRect().toJSON()),
          );
      const before = await places();
      expect(before.length).toBeGreaterThan(3);
      await signInElsewhere(visitor);
      await button(page, "It was me").waitFor();
      expect(await places()).toEqual(before);
      await expectPresentable(page);
      // The end of the page can be scrolled to where the notice is not.
      const last = page.getByRole("contentinfo");
      await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
      const [end, notice] = [await last.boundingBox(), await page.getByRole("alert").boundingBox()];
      expect((end?.y ?? 0) + (end?.height ?? 0)).toBeLessThanOrEqual(notice?.y ?? 0);
      await button(page, "It was me").click();
      await button(page, "It was me").waitFor({ state: "detached" });
      await page.evaluate(() => scrollTo(0, 0));
      expect(await places()).toEqual(before);
    });

    test("the stream reconnects automatically, and missed changes are shown", async () => {
      await using visitor = await visitSessions();
      const { page, context } = visitor;
      await context.route("**/trpc/session.events*", (route) => route.abort());
      await page.reload();
      await sessionItems(page).first().waitFor();
      await signInElsewhere(visitor);
      await context.unroute("**/trpc/session.events*");
      await sessionItems(page).getByText("Firefox on Windows").waitFor();
    });

    test("a hidden page closes its stream, and missed changes are shown afterwards", async () => {
      await using visitor = await visitSessions();
      const { page } = visitor;
      const show = (state: DocumentVisibilityState) =>
        page.evaluate((visibilityState) => {
          Object.defineProperty(document, "visibilityState", { value: visibilityState, configurable: true });
          document.dispatchEvent(new Event("visibilitychange"));
        }, state);
      const letGo = page.waitForEvent("requestfailed", (request) => request.url().includes("session.events"));
      await show("hidden");
      await letGo;
      await signInElsewhere(visitor);
      await show("visible");
      await sessionItems(page).getByText("Firefox on Windows").waitFor();
    });

    test.each([
      ["revoked", "This session was ended", "status"],
      ["password_changed", "The password of your account was changed", "status"],
      ["disabled", "This account was disabled", "status"],
      ["expired", "Your session has expired", "status"],
      ["reused", "Somebody may have copied", "alert"],
    ] as const)("the page shows at once that its session has ended, and why: %s", async (reason, words, role) => {
      await using visitor = await visitSessions();
      const { page, server } = visitor;
      await server.domain.sessions.endAllOf(await johnsId(visitor), reason, testSource);
      await heading(page, "Sign in").waitFor();
      await page.getByRole(role).getByText(words).waitFor();
      expect(pathOf(page)).toBe("/sign-in?return=%2Fsessions");
      await expectAccessible(page);
    });

    test("a page that is loaded after its session ended says why", async () => {
      await using visitor = await visitSignedIn({ unwatched: true });
      const { page, server } = visitor;
      await server.domain.sessions.endAllOf(await johnsId(visitor), "revoked", testSource);
      await page.reload();
      await heading(page, "Sign in").waitFor();
      await page.getByRole("status").getByText("This session was ended").waitFor();
    });

    test("two tabs are one session: signing in and out in one shows in the other", async () => {
      await using visitor = await visitSignedIn();
      const { page, context, server } = visitor;
      const other = await context.newPage();
      await other.goto(`${server.url}/notes`);
      await other.getByText("You have no notes yet.").waitFor();
      expect(await liveSessions(visitor)).toBe(1);

      await button(page, "Sign out").click();
      await page.getByRole("status").getByText("You have signed out.").waitFor();
      await heading(other, "Sign in").waitFor();
      await other.getByRole("status").getByText("You have signed out in another window.").waitFor();

      await signIn(page);
      await other.getByText("You have no notes yet.").waitFor();
      expect(await liveSessions(visitor)).toBe(1);
    });
  });

  describe("a sign-in after too many attempts", () => {
    test("shows a countdown until the next attempt", async () => {
      const clock = testClock();
      await using visitor = await visit("/sign-in", { server: { now: clock.now } });
      const { page, fullName } = visitor;
      for (let attempt = 0; attempt < 10; attempt++) {
        await signInElsewhere(visitor, { password: "wrong" });
        clock.advanceSeconds(30);
      }
      await page.clock.install();
      clock.advanceSeconds(-25);
      await signIn(page);
      const alert = page.getByRole("alert");
      await alert.getByText("Too many attempts").waitFor();
      await alert.getByText(/You can try again in 2\d seconds\./).waitFor();
      await page.clock.fastForward(10_000);
      await alert.getByText(/You can try again in 1\d seconds\./).waitFor();
      await page.clock.fastForward(20_000);
      await alert.getByText("You can try again now.").waitFor();
      clock.advanceSeconds(30);
      await button(page, "Sign in").click();
      await fullName.waitFor();
    });
  });

  describe("changing the password", () => {
    test("ends the other sessions, and says so", async () => {
      await using visitor = await visitPassword();
      const { page } = visitor;
      await signInElsewhere(visitor);
      await changePassword(page, john.password, newPassword);
      await page.getByRole("status").getByText("Your other sessions have ended.").waitFor();
      expect(await page.getByRole("textbox").count()).toBe(0);
      expect(await liveSessions(visitor)).toBe(1);
      expect((await signInElsewhere(visitor)).httpStatus).toBe(401);
      expect((await signInElsewhere(visitor, { password: newPassword })).httpStatus).toBe(200);
    });

    test("reports at its field that the current one is wrong", async () => {
      await using visitor = await visitPassword();
      const { page } = visitor;
      await changePassword(page, "wrong", newPassword);
      await page.getByText("This is not your current password.").waitFor();
      expect(await isFocused(page, "Current password")).toBe(true);
      expect(await passwords(page).next.inputValue()).toBe(newPassword);
      expect(await page.getByRole("alert").count()).toBe(0);
    });

    test("reports at its field why the new one is refused (PASSWORD_REFUSED)", async () => {
      await using visitor = await visitPassword();
      const { page } = visitor;
      await changePassword(page, john.password, "short");
      await page.getByText("Use at least 15 characters").waitFor();
      expect(await isFocused(page, "New password")).toBe(true);
      expect(await passwords(page).next.getAttribute("aria-invalid")).toBe("true");
      await changePassword(page, john.password, "passwordpassword");
      await page.getByText("This is easy to guess.").waitFor();
    });

    test("reports empty fields, without a request", async () => {
      await using visitor = await visitPassword();
      const { page } = visitor;
      const calls: string[] = [];
      page.on("request", (request) => calls.push(request.url()));
      await button(page, "Change the password").click();
      await page.getByText("Enter your password").waitFor();
      await page.getByText("Choose a new password").waitFor();
      expect(calls).toEqual([]);
    });

    test("supports password managers, pasting, and showing the password", async () => {
      await using visitor = await visitPassword({ permissions: ["clipboard-read", "clipboard-write"] });
      const { page } = visitor;
      const { current, next } = passwords(page);
      expect(await current.getAttribute("autocomplete")).toBe("current-password");
      expect(await next.getAttribute("autocomplete")).toBe("new-password");
      expect(await page.locator("form input[autocomplete=username]").inputValue()).toBe(john.username);
      await page.evaluate((text) => navigator.clipboard.writeText(text), newPassword);
      await next.focus();
      await page.keyboard.press("ControlOrMeta+V");
      expect(await next.inputValue()).toBe(newPassword);
      await page.getByRole("button", { name: "Show the new password" }).click();
      expect(await next.getAttribute("type")).toBe("text");
    });

    test("asks for the password again when the sign-in is old, and then continues (REAUTHENTICATION_REQUIRED)", async () => {
      const clock = testClock();
      await using visitor = await visitPassword({ server: { now: clock.now } });
      const { page, context, server } = visitor;
      const other = await context.newPage();
      await other.goto(`${server.url}/notes`);
      await other.getByText("You have no notes yet.").waitFor();
      clock.advanceSeconds(16 * 60);
      await changePassword(page, john.password, newPassword);
      const dialog = page.getByRole("dialog", { name: "Enter your password again" });
      await dialog.waitFor();
      expect(await passwords(page).again.evaluate((input) => input === document.activeElement)).toBe(true);
      await expectAccessible(page);

      await page.keyboard.type("wrong");
      await page.keyboard.press("Enter");
      await dialog.getByText("This is not your password.").waitFor();
      await allSelected(page);
      await page.keyboard.type(john.password);
      await page.keyboard.press("Enter");
      await page.getByRole("status").getByText("Your other sessions have ended.").waitFor();
      expect(pathOf(page)).toBe("/password");
      expect(await liveSessions(visitor)).toBe(1);

      // The other tab continues with the session that replaced the old one.
      await other.getByRole("link", { name: "Sessions", exact: true }).click();
      await sessionItems(other).getByText("This one").waitFor();
      await page.getByRole("link", { name: "Sessions", exact: true }).click();
      await sessionItems(page).getByText("This one").waitFor();
      expect(await page.getByText("Somebody signed in").count()).toBe(0);
    });

    test("does not set a first password twice: the form then changes it (PASSWORD_EXISTS)", async () => {
      await using visitor = await visitSignedIn();
      const { page, server } = visitor;
      const hash = (password_hash: string | null) => server.db.updateTable("users").set({ password_hash }).execute();
      const { password_hash: before } = await server.db
        .selectFrom("users")
        .select("password_hash")
        .executeTakeFirstOrThrow();
      await hash(null);
      await page.goto("/password?confirmed=1");
      await passwords(page).next.fill(newPassword);
      // In the meantime, elsewhere.
      await hash(before);
      await button(page, "Set the password").click();
      await page.getByRole("alert").getByText("Your account already has a password. Change it instead.").waitFor();
      await passwords(page).current.fill(john.password);
      expect(await passwords(page).next.inputValue()).toBe(newPassword);
      await button(page, "Change the password").click();
      await page.getByRole("status").getByText("Your password has been changed").waitFor();
    });

    test("changes nothing when the user cancels", async () => {
      const clock = testClock();
      await using visitor = await visitPassword({ server: { now: clock.now } });
      const { page } = visitor;
      clock.advanceSeconds(16 * 60);
      await changePassword(page, john.password, newPassword);
      await page.getByRole("dialog").waitFor();
      await page.keyboard.press("Escape");
      expect(await passwords(page).next.inputValue()).toBe(newPassword);
      expect(await page.getByRole("alert").count()).toBe(0);
      expect((await signInElsewhere(visitor)).httpStatus).toBe(200);
    });
  });

  describe.each(["light", "dark"] as const)("in %s colours", (colorScheme) => {
    test("the pages are accessible (axe)", async () => {
      await using visitor = await visitSessions({ colorScheme });
      const { page } = visitor;
      await signInElsewhere(visitor);
      await signInElsewhere(visitor, { password: "wrong" });
      await page.getByText("Somebody signed in to your account").waitFor();
      await expectAccessible(page);
      await button(page, "End all others").click();
      await page.getByRole("dialog").waitFor();
      await expectAccessible(page);
      await page.keyboard.press("Escape");

      await page.getByRole("link", { name: "change your password" }).click();
      await passwords(page).current.waitFor();
      await expectAccessible(page);
      await changePassword(page, john.password, "short");
      await page.getByText("Use at least 15 characters").waitFor();
      await expectAccessible(page);
      await changePassword(page, john.password, newPassword);
      await page.getByText("Your password has been changed").waitFor();
      await expectAccessible(page);
    });
  });

  test("fits a phone of 360 px without scrolling sideways", async () => {
    await using visitor = await visitSessions({ viewport: { width: 360, height: 640 } });
    const { page } = visitor;
    const width = () => page.evaluate(() => document.documentElement.scrollWidth);
    await signInElsewhere(visitor, { userAgent: `${"W".repeat(40)}/1` });
    await sessionItems(page).nth(1).waitFor();
    expect(await width()).toBe(360);
    await button(page, "End all others").click();
    await page.getByRole("dialog").waitFor();
    expect(await width()).toBe(360);
    await page.keyboard.press("Escape");
    await page.goto("/password");
    await passwords(page).current.waitFor();
    expect(await width()).toBe(360);
  });
});
