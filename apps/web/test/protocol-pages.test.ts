// The pages of protocols in a browser: a device's code, signing out for a client, and requests that cannot be answered.

import { testClock } from "@lockstep/server/testing";
import * as client from "openid-client";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { describeInBrowser } from "./browser.ts";
import { idOf } from "./client.ts";
import { meetingsBy } from "./meetings.ts";
import { button, eventually, expectAccessible, heading, pathOf, signIn } from "./visitor.ts";

describeInBrowser("the pages of a protocol", (browser) => {
  const meet = meetingsBy(browser);

  const code = (page: Page) => page.getByRole("textbox", { name: "Code" });

  describe("connecting a device", () => {
    const native = { kind: "native" as const, redirectUris: ["http://127.0.0.1/callback"] };

    const begin = (config: client.Configuration) =>
      client.initiateDeviceAuthorization(config, { scope: "openid profile:read" });

    /** The answer to the device's next poll. */
    const poll = async (config: client.Configuration, { device_code }: client.DeviceAuthorizationResponse) => {
      const grant = "urn:ietf:params:oauth:grant-type:device_code";
      try {
        return (await client.genericGrantRequest(config, grant, { device_code })).scope;
      } catch (error) {
        if (!(error instanceof client.ResponseBodyError)) throw error;
        return error.error;
      }
    };

    test("signs in, reads the code, shows it for comparison, asks for consent, and connects the device", async () => {
      await using visitor = await meet({ signedIn: false, app: native });
      const { page, app } = visitor;
      const device = await begin(app.config);
      expect(await poll(app.config, device)).toBe("authorization_pending");

      await page.goto(device.verification_uri);
      await page.getByText("to connect a device").waitFor();
      await expectAccessible(page);
      await signIn(page);
      await heading(page, "Connect a device").waitFor();
      await eventually(() => code(page).evaluate((input) => input === document.activeElement), true);
      await page.keyboard.type(device.user_code.replace("-", "").toLowerCase());
      await page.keyboard.press("Enter");
      await heading(page, "Does your device show this code?").waitFor();
      await page.getByText(device.user_code, { exact: true }).waitFor();
      await button(page, "It does, continue").click();

      await heading(page, "Printshop asks for access to your Lockstep account").waitFor();
      await page.getByText("Back to your device, which continues by itself.").waitFor();
      await button(page, "Allow").click();
      await heading(page, "You can go back to your device").waitFor();
      await page.getByText("Printshop is connected.").waitFor();
      expect(await poll(app.config, device)).toBe("openid profile:read");
    });

    test("reports an invalid code at its field", async () => {
      await using visitor = await meet({ app: native });
      const { page } = visitor;
      await page.goto("/device");
      await button(page, "Continue").click();
      await page.getByText("Enter the code that your device shows", { exact: true }).waitFor();
      await code(page).fill("BBBB-BBBB");
      await button(page, "Continue").click();
      await page.getByText("There is no such code.").waitFor();
      expect(await code(page).getAttribute("aria-invalid")).toBe("true");
      expect(await code(page).inputValue()).toBe("BBBB-BBBB");
      await eventually(() => code(page).evaluate((input) => input === document.activeElement), true);
      await expectAccessible(page);
    });

    test("waits for a confirmation when a link contained the code, and stops when the device shows another", async () => {
      await using visitor = await meet({ signedIn: false, app: { ...native, verified: false } });
      const { page, app } = visitor;
      const device = await begin(app.config);
      await page.goto(device.verification_uri_complete ?? "");
      await page.getByText("to connect a device").waitFor();
      await signIn(page);
      await heading(page, "Does your device show this code?").waitFor();
      await page.getByRole("note").getByText("Not verified").waitFor();
      expect(await poll(app.config, device)).toBe("authorization_pending");
      await expectAccessible(page);
      await button(page, "Stop").click();
      await heading(page, "The device was not connected").waitFor();
      expect(await poll(app.config, device)).toBe("access_denied");
    });

    test("says how long to wait after too many wrong codes", async () => {
      await using visitor = await meet({ app: native, server: { now: testClock().now } });
      const { page } = visitor;
      await page.goto("/device");
      for (let tried = 0; tried < 10; tried++) {
        await code(page).fill(`BBBB-BBB${"BCDFGHJKLM"[tried]}`);
        await button(page, "Continue").click();
        await eventually(() => code(page).inputValue(), `BBBB-BBB${"BCDFGHJKLM"[tried]}`);
        await page.getByText("There is no such code.").waitFor();
      }
      await button(page, "Continue").click();
      await heading(page, "Too many wrong codes").waitFor();
      await page.getByText("Wait 1 second, then try again.").waitFor();
      await expectAccessible(page);
    });

    test("does not connect the device when the user denies", async () => {
      await using visitor = await meet({ app: native });
      const { page, app } = visitor;
      const device = await begin(app.config);
      await page.goto(device.verification_uri_complete ?? "");
      await button(page, "It does, continue").click();
      await button(page, "Deny").click();
      await heading(page, "The device was not connected").waitFor();
      expect(await poll(app.config, device)).toBe("access_denied");
    });
  });

  describe("signing out for an app", () => {
    /** The user granted the client access, and signs out there. */
    const signOutThere = async (visitor: Awaited<ReturnType<typeof meet>>, parameters: Record<string, string> = {}) => {
      const { page, app } = visitor;
      const { url, redeem } = await app.begin();
      await page.goto(url);
      await button(page, "Allow").click();
      await page.getByRole("heading", { name: "Back at Printshop" }).waitFor();
      const { id_token } = await redeem(page.url());
      await page.goto(client.buildEndSessionUrl(app.config, { id_token_hint: id_token ?? "", ...parameters }).href);
      await heading(page, "Sign out of Lockstep too?").waitFor();
      await page.getByText("You signed out of Printshop, and it asks to sign you out here too.").waitFor();
    };

    const liveSessions = async ({ server }: Pick<Awaited<ReturnType<typeof meet>>, "server">) =>
      (await server.domain.sessions.list(await idOf(server))).length;

    test("ends the session here after a confirmation, and leads back", async () => {
      await using visitor = await meet();
      const { page, app } = visitor;
      const back = `${app.origin}/bye`;
      await signOutThere(visitor, { post_logout_redirect_uri: back });
      await expectAccessible(page);
      await button(page, "Sign out of Lockstep too").click();
      await page.getByRole("heading", { name: "Back at Printshop" }).waitFor();
      expect(page.url()).toBe(back);
      expect(await liveSessions(visitor)).toBe(0);
      await page.goto("/");
      await heading(page, "Sign in").waitFor();
    });

    test("keeps the session when the user stays signed in, and also leads back", async () => {
      await using visitor = await meet();
      const { page, app, fullName } = visitor;
      await signOutThere(visitor, { post_logout_redirect_uri: `${app.origin}/bye` });
      await button(page, "Stay signed in").click();
      await page.getByRole("heading", { name: "Back at Printshop" }).waitFor();
      expect(await liveSessions(visitor)).toBe(1);
      await page.goto("/");
      await fullName.waitFor();
    });

    test("ends on a page of ours when there is no redirect URI", async () => {
      await using visitor = await meet();
      const { page } = visitor;
      await signOutThere(visitor);
      await button(page, "Sign out of Lockstep too").click();
      await heading(page, "You have signed out").waitFor();
      await expectAccessible(page);
      await page.getByRole("link", { name: "Sign in again" }).click();
      await heading(page, "Sign in").waitFor();
      expect(pathOf(page)).toBe("/sign-in");
    });
  });

  describe("an unverified client", () => {
    const unverified = { verified: false, name: "Free wallpapers" };
    const phone = { width: 390, height: 700 };

    test("gets an error only after a click, on a page that names the destination (RFC 9700 §4.11.2)", async () => {
      await using visitor = await meet({ app: unverified, viewport: phone });
      const { page, app } = visitor;
      const { host } = new URL(app.origin);
      const { url } = await app.begin({ response_type: "token" });
      await page.goto(url);
      await heading(page, `Continue to ${host}?`).waitFor();
      await page.getByText("Nothing was shared with it.").waitFor();
      expect(page.url()).toBe(url);
      await expectAccessible(page);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
      await page.getByRole("link", { name: `Continue to ${host}` }).click();
      await page.getByRole("heading", { name: "Back at Printshop" }).waitFor();
      expect(new URLSearchParams(new URL(page.url()).hash.slice(1)).get("error")).toBe("unsupported_response_type");
    });

    test("gets an error by form_post if it requested that", async () => {
      await using visitor = await meet({ app: unverified });
      const { page, app } = visitor;
      await page.goto((await app.begin({ prompt: "none", response_mode: "form_post" })).url);
      await button(page, `Continue to ${new URL(app.origin).host}`).click();
      await page.getByRole("heading", { name: "Back at Printshop" }).waitFor();
    });

    test("gets users back after their sign-out only after a click", async () => {
      await using visitor = await meet({ signedIn: false, app: unverified, viewport: phone });
      const { page, app, server } = visitor;
      const back = `${app.origin}/bye`;
      const parameters = { client_id: app.client.id, post_logout_redirect_uri: back };
      await page.goto(`${server.url}/logout?${new URLSearchParams(parameters)}`);
      const { host } = new URL(back);
      await heading(page, `Continue to ${host}?`).waitFor();
      await page.getByText("You are signed out.").waitFor();
      await expectAccessible(page);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
      await button(page, `Continue to ${host}`).click();
      await page.getByRole("heading", { name: "Back at Printshop" }).waitFor();
      expect(page.url()).toBe(back);
    });
  });

  describe("a request that cannot be answered", () => {
    test.each([
      ["an app that nobody registered", { client_id: "nobody" }],
      ["an address that was not registered", { redirect_uri: "https://evil.example/callback" }],
    ])("is explained, without a redirect: %s [S3]", async (_name, parameters) => {
      await using visitor = await meet();
      const { page, app } = visitor;
      const url = new URL((await app.begin()).url);
      for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
      await page.goto(url.href);
      await heading(page, "This request cannot be answered").waitFor();
      await page.getByText("Nothing was shared with it.").waitFor();
      await page.getByText("What is wrong", { exact: true }).waitFor();
      expect(page.url()).toBe(url.href);
      expect(await page.getByRole("link").allTextContents()).toEqual(["Skip to the content", "Go to your account"]);
      await expectAccessible(page);
      await page.getByRole("link", { name: "Go to your account" }).click();
      await visitor.fullName.waitFor();
    });
  });

  test("cannot be framed by another site, and contain no inline script [S18]", async () => {
    await using visitor = await meet({ signedIn: false });
    const { page, server } = visitor;
    for (const path of ["/device", "/authorize", "/logout"]) {
      const { headers } = await fetch(server.url + path, { headers: { accept: "text/html" } });
      expect(headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
      expect(headers.get("x-frame-options")).toBe("DENY");
      expect(headers.get("cache-control")).toBe("no-store");
      await page.goto(path);
      await page.getByRole("heading", { level: 1 }).waitFor();
      expect(await page.locator("style, script:not([src])").count()).toBe(0);
    }
  });

  describe.each(["light", "dark"] as const)("in %s colours", (colorScheme) => {
    test("are accessible (axe), and fit a phone", async () => {
      await using visitor = await meet({ signedIn: false, colorScheme, viewport: { width: 360, height: 640 } });
      const { page } = visitor;
      for (const path of ["/device", "/authorize", "/logout", "/logout/success"]) {
        await page.goto(path);
        await page.getByRole("heading", { level: 1 }).waitFor();
        await expectAccessible(page);
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
      }
    });
  });
});
