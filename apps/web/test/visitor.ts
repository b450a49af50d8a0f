// Owns visitors of the app: each has a browser and a server, and finds elements as users do.

import { type AppServerOptions, startAppServer } from "@app/server/testing";
import AxeBuilder from "@axe-core/playwright";
import { john } from "@lockstep/server/testing";
import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { expect } from "vitest";
import { openContext } from "./browser.ts";

export const fields = (page: Page) => ({
  username: page.getByLabel("Username or e-mail address"),
  password: page.getByLabel("Password", { exact: true }),
  fullName: page.getByRole("textbox", { name: "Full name" }),
});
export const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
export const heading = (page: Page, name: string | RegExp) => page.getByRole("heading", { level: 1, name });

export const signOut = async (page: Page) => {
  await page.goto("/");
  await button(page, "Sign out").click();
  await heading(page, "Sign in").waitFor();
};

export const signIn = async (page: Page, password: string = john.password, username: string = john.username) => {
  await fields(page).username.fill(username);
  await fields(page).password.fill(password);
  await button(page, "Sign in").click();
};

/** Signs john in without the form: the browser gets the cookies that the form's call would get. */
const signInByCookie = async (context: BrowserContext) => {
  const { username, password } = john;
  const answer = await context.request.post("/trpc/auth.login", { data: { username, password, transport: "cookie" } });
  expect(answer.status()).toBe(200);
};

/** Waits until `read` gives `expected`. */
export const eventually = async <T>(read: () => Promise<T>, expected: T) => {
  await expect.poll(read).toEqual(expected);
};

export const pathOf = (page: Page) => {
  const { pathname, search, hash } = new URL(page.url());
  return pathname + search + hash;
};

/** Selects the content of the focused field, so that typing replaces it. */
export const allSelected = (page: Page) =>
  eventually(
    () =>
      page.evaluate(() => {
        const field = document.activeElement;
        if (!(field instanceof HTMLInputElement) || field.value === "") return false;
        return field.selectionStart === 0 && field.selectionEnd === field.value.length;
      }),
    true,
  );

export const focusedText = (page: Page) => page.evaluate(() => document.activeElement?.textContent);

export const expectAccessible = async (page: Page) => {
  // "Legacy" checks one page only. Otherwise Axe would open another page for frames each time; there are none.
  const { violations } = await new AxeBuilder({ page }).setLegacyMode(true).analyze();
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  expect(serious.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
};

/** The links of the navigation, while it is shown. */
export const navigation = (page: Page) => page.getByRole("navigation", { name: "Main" });

/** Opens a page by its link in the navigation, which is behind a button on phones. */
export const openPage = async (page: Page, name: string) => {
  if (await button(page, "Menu").isVisible()) await button(page, "Menu").click();
  await navigation(page).getByRole("link", { name, exact: true }).click();
};

/** A phone. */
export const phone = { viewport: { width: 390, height: 844 } };

/** Expects a page that is accessible, and does not scroll sideways. */
export const expectPresentable = async (page: Page) => {
  await expectAccessible(page);
  expect(
    await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth),
  ).toBeLessThanOrEqual(0);
};

export interface VisitOptions extends BrowserContextOptions {
  readonly server?: AppServerOptions;
  /** Blocks the page's event stream, so that it notices the end of its session with its next call. */
  readonly unwatched?: boolean;
  /** Signed in as john before the first page is opened. */
  readonly signedIn?: boolean;
}

/** `start` starts each visitor's server. */
export const visitsBy = (browser: () => Browser, start = startAppServer) => {
  /**
   * A new visitor at `path` of their own server, or with an empty page. Closing it fails if the page threw an error, or
   * violated the content security policy.
   */
  const visit = async (
    path: string | null,
    { server: serverOptions = {}, unwatched = false, signedIn = false, ...options }: VisitOptions = {},
  ) => {
    const server = await start(serverOptions);
    const context = await openContext(browser(), { baseURL: server.url, ...options });
    const faults: string[] = [];
    context.on("weberror", (error) => faults.push(String(error.error())));
    await context.exposeFunction("reportFault", (fault: string) => faults.push(fault));
    await context.addInitScript(() => {
      // This runs in the page. `exposeFunction` defined `reportFault` there, which the types do not declare.
      addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sample }) => {
        (globalThis as typeof globalThis & { reportFault(fault: string): void }).reportFault(
          `Content security policy: ${violatedDirective} ${blockedURI} ${sample}`,
        );
      });
    });
    if (unwatched) await context.route("**/trpc/session.events*", (route) => route.abort());
    if (signedIn) await signInByCookie(context);
    const page = await context.newPage();
    if (path !== null) await page.goto(path);
    return {
      server,
      context,
      page,
      faults,
      ...fields(page),
      async [Symbol.asyncDispose]() {
        await context.close();
        await server.close();
        expect(faults).toEqual([]);
      },
    };
  };

  /** A visitor signed in as john, at the account page, with all of its calls answered. */
  const visitSignedIn = async (options: VisitOptions = {}) => {
    const visitor = await visit("/", { signedIn: true, ...options });
    await visitor.fullName.waitFor();
    return visitor;
  };

  return { visit, visitSignedIn };
};
