// The documentation page in a browser: reading, Authorize, and trying a call.

import { startAppServer } from "@app/server/testing";
import { john } from "@lockstep/server/testing";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { describeInBrowser, openContext } from "./browser.ts";
import { startServer } from "./client.ts";
import { eventually, expectAccessible } from "./visitor.ts";

describeInBrowser("/docs", (browser) => {
  /** Presses "Try it out" and "Execute" on an operation, and returns the status. */
  const tryOut = async (page: Page, path: string) => {
    const operation = page.locator(`.opblock-get:has([data-path="${path}"])`);
    if (!(await operation.getByRole("button", { name: "Execute" }).isVisible())) {
      await operation.locator(".opblock-summary-control").click();
      await operation.getByRole("button", { name: "Try it out" }).click();
    }
    const answered = page.waitForResponse((response) => response.request().method() === "GET");
    await operation.getByRole("button", { name: "Execute" }).click();
    const status = (await answered).status();
    await operation
      .locator(".live-responses-table .response-col_status")
      .filter({ hasText: String(status) })
      .waitFor();
    return status;
  };

  test("the Authorize button signs in with the password flow: 401 before, 200 after", async () => {
    await using server = await startAppServer();
    const context = await openContext(browser(), { baseURL: server.url });
    const page = await context.newPage();
    const faults: string[] = [];
    const elsewhere: string[] = [];
    page.on("pageerror", (error) => faults.push(String(error)));
    page.on("console", (message) => {
      if (/content security policy/i.test(message.text())) faults.push(message.text());
    });
    page.on("request", (request) => {
      if (!request.url().startsWith(server.url) && !request.url().startsWith("data:")) elsewhere.push(request.url());
    });

    await page.goto("/docs");
    await page.getByRole("heading", { name: /Lockstep/ }).waitFor();
    expect(await tryOut(page, "/users/me")).toBe(401);
    expect(await tryOut(page, "/api/notes")).toBe(401);

    await page.getByRole("button", { name: "Authorize", exact: true }).first().click();
    const dialog = page.locator(".modal-ux");
    const flow = dialog.locator(".auth-container").filter({ hasText: "OAuth2PasswordBearer" });
    await flow.getByRole("textbox", { name: "username:" }).fill(john.username);
    await flow.locator("#oauth_password").fill(john.password);
    await flow.getByText("select all").click();
    await flow.getByRole("button", { name: "Authorize" }).click();
    await flow.getByRole("button", { name: /Logout|Remove authorization/ }).waitFor();
    await dialog.getByRole("button", { name: "Close" }).last().click();

    expect(await tryOut(page, "/users/me")).toBe(200);
    expect(await tryOut(page, "/api/notes")).toBe(200);
    expect(elsewhere).toEqual([]);
    expect(faults).toEqual([]);
    await context.close();
  });

  test("the Authorize button signs in with code and PKCE, like a third-party client: 401 before, 200 after", async () => {
    await using server = await startServer();
    const context = await openContext(browser(), { baseURL: server.url });
    const page = await context.newPage();
    await page.goto("/docs");
    await page.getByRole("heading", { name: /Lockstep/ }).waitFor();
    expect(await tryOut(page, "/users/me")).toBe(401);

    await page.getByRole("button", { name: "Authorize", exact: true }).first().click();
    const dialog = page.locator(".modal-ux");
    const flow = dialog.locator(".auth-container").filter({ hasText: "OAuth2AuthorizationCode" });
    // Swagger UI hides the checkbox itself.
    await flow.locator("label").filter({ hasText: "profile:read" }).click();
    const asked = context.waitForEvent("request", (request) => request.url().includes("/authorize?"));
    const opened = context.waitForEvent("page");
    await flow.getByRole("button", { name: "Authorize" }).click();

    const asking = await opened;
    expect((await asked).url()).toContain("code_challenge_method=S256");
    await asking.getByLabel("Username or e-mail address").fill(john.username);
    await asking.getByLabel("Password", { exact: true }).fill(john.password);
    await asking.getByRole("button", { name: "Sign in", exact: true }).click();
    const answered = asking.waitForEvent("close");
    await asking.getByRole("button", { name: "Allow" }).click();
    await answered;
    await flow.getByRole("button", { name: /Logout|Remove authorization/ }).waitFor();
    await dialog.getByRole("button", { name: "Close" }).last().click();

    expect(await tryOut(page, "/users/me")).toBe(200);
    // This scope was not requested, and so not granted.
    expect(await tryOut(page, "/api/notes")).toBe(403);
    await context.close();
  });

  test("the page is accessible (axe), fits a phone and follows the colours of the system", async () => {
    await using server = await startServer();
    const viewport = { width: 390, height: 844 };
    const context = await openContext(browser(), { baseURL: server.url, viewport });
    const page = await context.newPage();
    await page.goto("/docs");
    await tryOut(page, "/users/me");
    await page.locator('.opblock-post:has([data-path="/token"]) .opblock-summary-control').click();
    await page.locator("#post_token_responses").waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(viewport.width);
    // Axe also checks the page behind the dialog.
    await page.getByRole("button", { name: "Authorize", exact: true }).first().click();
    await page.locator(".modal-ux").getByRole("button", { name: "Close" }).first().waitFor();
    for (const [colorScheme, background] of [
      ["light", "rgba(0, 0, 0, 0)"],
      ["dark", "rgb(28, 32, 34)"],
    ] as const) {
      await page.emulateMedia({ colorScheme });
      // The page gets the change with its next frame.
      await eventually(() => page.evaluate(() => getComputedStyle(document.body).backgroundColor), background);
      await expectAccessible(page);
    }
    await context.close();
  });
});
