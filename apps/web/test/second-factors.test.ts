// Second factors: authenticator apps, recovery codes, trusted devices, and sign-ins that need them.

import { john, testClock } from "@lockstep/server/testing";
import { TOTP } from "otpauth";
import { expect, test } from "vitest";
import { expectPresentableOnPhone, startAtLocalhost } from "./authenticators.ts";
import { describeInBrowser } from "./browser.ts";
import { button, eventually, fields, pathOf, signIn, signOut, visitsBy } from "./visitor.ts";

describeInBrowser("second factors", (browser) => {
  const { visit, visitSignedIn: opened } = visitsBy(browser, startAtLocalhost);

  test("an authenticator app is asked for after the password, and recovery codes replace it once", async () => {
    await using visitor = await opened();
    const { page, server } = visitor;
    await page.goto("/second-factors");
    await button(page, "Add an authenticator app").click();
    await page.getByRole("img", { name: "QR code for your authenticator app" }).waitFor();
    await expectPresentableOnPhone(page);
    const secret = (await page.locator("code").textContent()) ?? "";
    const totp = new TOTP({ secret });
    await page.getByLabel("Code that the app shows").fill("000000");
    await button(page, "Add").click();
    await page.getByText("This code does not work.").waitFor();
    await page.getByLabel("Code that the app shows").fill(totp.generate());
    await button(page, "Add").click();
    await page.getByText(/^Added just now, /).waitFor();
    await button(page, "Make recovery codes").click();
    await page.getByRole("link", { name: "Download" }).waitFor();
    const codes = await page.getByRole("region", { name: "Recovery codes" }).locator("code").allTextContents();
    expect(codes).toHaveLength(10);
    await expectPresentableOnPhone(page);

    await signOut(page);
    await signIn(page);
    await page.getByLabel("Code of your authenticator app").fill("12345");
    await button(page, "Continue").click();
    await page.getByText("Enter the 6 digits that the app shows").waitFor();
    await expectPresentableOnPhone(page);
    await button(page, "Use a recovery code").click();
    await page.getByLabel("Recovery code").fill(codes[0]?.toLowerCase().replaceAll("-", " ") ?? "");
    await page.getByLabel("Do not ask on this device for a while").check();
    await button(page, "Continue").click();
    await page.getByText("@john").waitFor();

    // The device is trusted now, until it is forgotten.
    await signOut(page);
    await signIn(page);
    await page.getByText("@john").waitFor();
    await page.goto("/second-factors");
    await page.getByText("9 codes are left.").waitFor();
    await page.getByRole("region", { name: "Trusted devices" }).getByRole("button").click();
    await page.getByText("No device is trusted.").waitFor();
    await signOut(page);
    await signIn(page);
    await button(page, "Use a recovery code").click();
    await page.getByLabel("Recovery code").fill(codes[0] ?? "");
    await button(page, "Continue").click();
    await page.getByText("This code does not work, or was used before.").waitFor();
    await page.getByLabel("Recovery code").fill(codes[1] ?? "");
    await button(page, "Continue").click();
    await page.getByText("@john").waitFor();

    // With few codes left, the page says so, and new ones replace them.
    const left = server.db.selectFrom("recovery_codes").select("selector").limit(6);
    await server.db.deleteFrom("recovery_codes").where("selector", "in", left).execute();
    await page.goto("/second-factors");
    await page.getByText("2 codes are left. Make new ones before you run out.").waitFor();
    await button(page, "Make new codes").click();
    await page.getByText("Earlier codes no longer work.").waitFor();
    const file = page.getByRole("link", { name: "Download" });
    expect(await file.getAttribute("download")).toBe("recovery-codes-john.txt");
    const renewed = decodeURIComponent((await file.getAttribute("href")) ?? "").match(/[A-Z]{4}-[A-Z]{4}-[A-Z]{4}/g);
    expect(renewed).toHaveLength(10);
    expect(renewed).not.toContain(codes[2]);
    await button(page, "I have kept them").click();
    await page.getByText("10 codes are left.").waitFor();
  });

  test("a second step that comes too late leads back to the first, which says why and keeps the username", async () => {
    const clock = testClock(Date.now());
    await using visitor = await opened({ server: { now: clock.now } });
    const { page } = visitor;
    await page.goto("/second-factors");
    await button(page, "Add an authenticator app").click();
    const totp = new TOTP({ secret: (await page.locator("code").textContent()) ?? "" });
    const now = () => ({ timestamp: clock.now() });
    await page.getByLabel("Code that the app shows").fill(totp.generate(now()));
    await button(page, "Add").click();
    await page.getByText(/^Added just now, /).waitFor();
    await signOut(page);
    await signIn(page);
    await page.getByLabel("Code of your authenticator app").waitFor();
    clock.advanceSeconds(11 * 60);
    await page.getByLabel("Code of your authenticator app").fill(totp.generate(now()));
    await button(page, "Continue").click();
    await page.getByRole("alert").getByText("Sign in again. The second step has to follow within 10 minutes").waitFor();
    await expectPresentableOnPhone(page);
    expect(await fields(page).username.inputValue()).toBe(john.username);
    expect(await fields(page).password.inputValue()).toBe("");
    await fields(page).password.fill(john.password);
    await button(page, "Sign in").click();
    await page.getByLabel("Code of your authenticator app").fill(totp.generate(now()));
    await button(page, "Continue").click();
    await page.getByText("@john").waitFor();
  });

  test("a password alone does not change second factors: the page asks for both [S112]", async () => {
    await using visitor = await opened();
    const { page, server } = visitor;
    await page.goto("/second-factors");
    await button(page, "Add an authenticator app").click();
    const totp = new TOTP({ secret: (await page.locator("code").textContent()) ?? "" });
    await page.getByLabel("Code that the app shows").fill(totp.generate());
    await button(page, "Add").click();
    await page.getByText(/^Added just now, /).waitFor();
    await button(page, "Make recovery codes").click();
    await page.getByRole("link", { name: "Download" }).waitFor();
    const codes = await page.getByRole("region", { name: "Recovery codes" }).locator("code").allTextContents();
    await server.db.updateTable("sessions").set({ authenticated_at: 0, factors: null }).execute();
    await page.goto("/second-factors");
    await button(page, "Remove Authenticator app").click();
    await page
      .getByRole("dialog", { name: "Remove Authenticator app?" })
      .getByRole("button", { name: "Remove" })
      .click();
    const dialog = page.getByRole("dialog", { name: "Confirm that it is you" });
    await dialog.getByRole("textbox", { name: "Your password" }).fill("wrong");
    await dialog.getByLabel("Code of your authenticator app, or a recovery code").fill(codes[0] ?? "");
    await dialog.getByRole("button", { name: "Continue" }).click();
    await dialog.getByText("This is not your password.").waitFor();
    await dialog.getByRole("textbox", { name: "Your password" }).fill("secret");
    await dialog.getByLabel("Code of your authenticator app, or a recovery code").fill(codes[1] ?? "");
    await dialog.getByRole("button", { name: "Continue" }).click();
    await page.getByText("No authenticator app yet.").waitFor();
  });

  test("who needs a second factor and has none adds one to sign in [S114]", async () => {
    const config = { secondFactor: { policy: "everyone" as const, graceSeconds: 0 } };
    await using visitor = await visit("/sign-in", { server: { config } });
    const { page } = visitor;
    await signIn(page);
    await page.getByRole("heading", { name: "Protect your account" }).waitFor();
    expect(await fields(page).password.count()).toBe(0);
    await button(page, "Add an authenticator app").click();
    const totp = new TOTP({ secret: (await page.locator("code").textContent()) ?? "" });
    await page.getByLabel("Code that the app shows").fill(totp.generate());
    await button(page, "Add").click();
    await page.getByText("@john").waitFor();
    await page.goto("/second-factors");
    await button(page, "Remove Authenticator app").click();
    await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
    await page.getByText("Your account needs a second factor, and this is the only one.").waitFor();
  });

  test("an address that claims to continue a sign-in, but was made by nobody, shows the form", async () => {
    await using visitor = await visit("/sign-in#continue=%7B%22status%22%3A%22signed_in%22%7D");
    await fields(visitor.page).password.waitFor();
    await eventually(async () => pathOf(visitor.page), "/sign-in");
  });
});
