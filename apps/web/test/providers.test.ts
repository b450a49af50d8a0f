// Signing in through outside providers as people meet it: two of the certified provider, each a process of its own, on
// a site that is not ours, so that cookies travel as they do in the world.

import { john, startDemoProvider, startTestServer, testClock } from "@lockstep/server/testing";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchBrowser, skippedWithoutBrowser } from "./browser.ts";
import { button, expectAccessible, heading, pathOf, signIn } from "./visitor.ts";

/** Cross-site to the providers at `localhost`, and as good as https to a browser. */
const publicUrl = "http://lockstep.localhost";

/** Sign-ins begin this long ago by our clock, so that one can grow old and a provider's next be new. */
const agoSeconds = 20 * 60;
const clock = testClock(Date.now() - agoSeconds * 1000);

describe.skipIf(skippedWithoutBrowser("browser tests of sign-in providers"))(
  "sign-in providers",
  { timeout: 90_000 },
  () => {
    const closing: (() => Promise<unknown>)[] = [];
    let browser: Browser;
    let server: Awaited<ReturnType<typeof startTestServer>>;

    beforeAll(async () => {
      const providers = await Promise.all(["north", "south"].map((name) => startDemoProvider(name, 0)));
      for (const provider of providers) closing.push(provider.end);
      server = await startTestServer({
        now: clock.now,
        config: {
          publicUrl,
          providers: providers.map(({ settings }) => ({
            ...settings,
            label: settings.name.replace(/^./, (letter) => letter.toUpperCase()),
          })),
        },
      });
      closing.push(server.close);
      await Promise.all(providers.map((provider) => provider.serve({ publicUrl, reachableAt: server.url })));
      browser = await launchBrowser({
        "lockstep.localhost:80": new URL(server.url).host,
        // The provider's pages would like a typeface from there.
        "fonts.googleapis.com": "~NOTFOUND",
      });
      closing.push(() => browser.close());
    });
    afterAll(async () => {
      for (const close of closing.reverse()) await close();
    });

    /** Somebody with a browser of their own; leaving fails when the page threw. */
    const visit = async (path: string) => {
      const context: BrowserContext = await browser.newContext({ baseURL: publicUrl, reducedMotion: "reduce" });
      context.setDefaultTimeout(20_000);
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

    /** Signs in and says yes, on the provider's own pages. */
    const atProvider = async (page: Page, login: string) => {
      await page.getByPlaceholder("Enter any login").fill(login);
      await page.getByPlaceholder("and password").fill("any");
      await page.getByRole("button", { name: "Sign-in" }).click();
      await page.getByRole("button", { name: "Continue" }).click();
    };

    test.each([
      ["North", "ada", "Ada Lovelace"],
      ["South", "grace", "Grace Hopper"],
    ])("sign a new person in through the %s one, back at the page they asked for", async (name, login, fullName) => {
      await using visitor = await visit("/greeting?from=mail");
      const { page } = visitor;
      await heading(page, "Sign in").waitFor();
      await expectAccessible(page);
      await through(page, name, login);
      await page.getByText(`Hello, ${fullName}!`).waitFor();
      expect(pathOf(page)).toBe("/greeting?from=mail");
      await page.reload();
      await page.getByText(`Hello, ${fullName}!`).waitFor();
    });

    test("[S59] ask the owner of an account to sign in and link, then open it, until they are unlinked", async () => {
      await using visitor = await visit("/");
      const { page } = visitor;
      await through(page, "North", "doe");
      await page.getByRole("alert").getByText("You have an account here already").waitFor();
      await expectAccessible(page);

      await signIn(page);
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

      await page.getByRole("link", { name: "Linked accounts" }).click();
      await button(page, "Unlink North").click();
      await button(page, "Link North").waitFor();
      expect((await page.getByRole("listitem").allTextContents()).length).toBe(2);
    });

    test("leave an account without a password, which is not offered to change one", async () => {
      await using visitor = await visit("/");
      const { page } = visitor;
      await through(page, "North", "hedy");
      const profile = page.getByRole("region", { name: "Profile" });
      await profile.getByText("None", { exact: true }).waitFor();
      expect(await page.getByRole("link", { name: "Change your password" }).count()).toBe(0);
    });

    test("end their own session too when a person signs out", async () => {
      await using visitor = await visit("/");
      const { page } = visitor;
      await through(page, "North", "linus");
      await page.getByText("linus", { exact: true }).waitFor();
      await button(page, "Sign out").click();
      await page.getByRole("button", { name: "Yes, sign me out" }).click();
      await heading(page, "Sign in").waitFor();
      await page.getByRole("link", { name: "Continue with North" }).click();
      // Signed out there as well: it asks who comes.
      await page.getByPlaceholder("Enter any login").waitFor();
    });

    test("are left without a word lost when the person cancels there", async () => {
      await using visitor = await visit("/greeting");
      const { page } = visitor;
      await page.getByRole("link", { name: "Continue with North" }).click();
      await page.getByRole("link", { name: "Cancel" }).click();
      await page.getByRole("alert").getByText("You cancelled at North.").waitFor();
      await signIn(page);
      await page.getByText("Hello, John Doe!").waitFor();
    });

    test("[S59] prove again who somebody is that has no password, before another is linked", async () => {
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
      await page.getByPlaceholder("Enter any login").fill("katherine");
      await page.getByPlaceholder("and password").fill("any");
      await page.getByRole("button", { name: "Sign-in" }).click();
      await button(page, "Link South").click();
      await atProvider(page, "kathy");
      await page.getByText("South is linked.").waitFor();
    });
  },
);
