// The whole story of a person's factors in one account: added, used to sign in and to step up, lost, and recovered from.

import { testSource } from "@lockstep/server/testing";
import { TOTP } from "otpauth";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { expectPresentableOnPhone, withoutSuggestions } from "./authenticators.ts";
import { describeInBrowser } from "./browser.ts";
import { idOf } from "./client.ts";
import { proofTo } from "./mails.ts";
import { meetingsBy } from "./meetings.ts";
import { addAuthenticator } from "./virtual-authenticator.ts";
import { button, heading, openPage, signIn, signOut } from "./visitor.ts";

const jane = { email: "jane@example.com", username: "jane.doe", password: "seven wooden kites in the rain" };

const signUp = async (page: Page, server: Parameters<typeof proofTo>[0]) => {
  await page.goto("/sign-up");
  await page.getByLabel("E-mail address", { exact: true }).fill(jane.email);
  await button(page, "Send a code").click();
  await page.getByLabel("Code", { exact: true }).fill((await proofTo(server, jane.email)).code);
  await button(page, "Continue").click();
  await page.getByLabel("Full name").fill("Jane Doe");
  await page.getByLabel("Password", { exact: true }).fill(jane.password);
  await button(page, "Create account").click();
  await page.getByText(`@${jane.username}`).waitFor();
};

describeInBrowser("a new person", (browser) => {
  const meet = meetingsBy(browser);

  test("adds factors, signs in and steps up with each, loses them, and gets back in [S42] [S107] [S113]", async () => {
    await using visitor = await meet({ signedIn: false });
    const { page, server, app } = visitor;
    await withoutSuggestions(page);
    const laptop = await addAuthenticator(page);
    await signUp(page, server);

    // A passkey, an authenticator app, and recovery codes for when both are lost.
    await openPage(page, "Security");
    await page.getByText("None. Somebody who knows your password can sign in.").waitFor();
    await page.getByRole("link", { name: "Add one" }).click();
    await button(page, "Add a passkey").click();
    await page.getByRole("textbox", { name: "Name" }).fill("Laptop");
    await button(page, "Add").click();
    await button(page, "Rename Laptop").waitFor();
    await button(page, "Add an authenticator app").click();
    const phone = new TOTP({ secret: (await page.locator("code").textContent()) ?? "" });
    /** As if so much time had passed that each sign-in is old, and the phone shows a code that was not used. */
    const timePasses = async () => {
      await server.db.updateTable("sessions").set({ authenticated_at: 0, factors: null }).execute();
      await server.db.updateTable("factors").set({ counter: 0 }).where("kind", "=", "totp").execute();
    };
    await page.getByLabel("Code that the app shows").fill(phone.generate());
    await button(page, "Add").click();
    await button(page, "Rename Authenticator app").waitFor();
    await button(page, "Make recovery codes").click();
    await page.getByRole("link", { name: "Download" }).waitFor();
    const [spare = ""] = await page.getByRole("region", { name: "Recovery codes" }).locator("code").allTextContents();

    // Each of them signs in.
    const signInWithPassword = async () => {
      await signOut(page);
      await signIn(page, jane.password, jane.username);
    };
    const isSignedIn = () => page.getByText(`@${jane.username}`).waitFor();
    await signOut(page);
    await button(page, "Sign in with a passkey").click();
    await isSignedIn();
    await timePasses();
    await signInWithPassword();
    await button(page, "Use an authenticator app").click();
    await page.getByLabel("Code of your authenticator app").fill(phone.generate());
    await button(page, "Continue").click();
    await isSignedIn();

    // An operation asks again when the sign-in is old: for the password and a code, or for the passkey.
    const steppedUp = page.getByRole("dialog", { name: "Confirm that it is you" });
    const rename = async (from: string, to: string) => {
      await timePasses();
      await page.goto("/second-factors");
      await button(page, `Rename ${from}`).click();
      await page.getByLabel("New name").fill(to);
      await button(page, "Save").click();
      await steppedUp.waitFor();
    };
    await rename("Laptop", "Blue laptop");
    await steppedUp.getByRole("textbox", { name: "Your password" }).fill(jane.password);
    await steppedUp.getByLabel("Code of your authenticator app, or a recovery code").fill(phone.generate());
    await steppedUp.getByRole("button", { name: "Continue" }).click();
    await button(page, "Rename Blue laptop").waitFor();
    await rename("Blue laptop", "Red laptop");
    await steppedUp.getByRole("button", { name: "Use a passkey" }).click();
    await button(page, "Rename Red laptop").waitFor();

    // So does an app: its tokens say what was proved, and when.
    await timePasses();
    const cameBack = async () => {
      await heading(page, "Back at Printshop").waitFor();
      return page.url();
    };
    const beganAt = Math.floor(Date.now() / 1000);
    const first = await app.begin({ acr_values: "2fa", max_age: "300" });
    await page.goto(first.url);
    await heading(page, "Confirm that it is you").waitFor();
    await page.getByText("Printshop asks you to confirm that it is you.").waitFor();
    await expectPresentableOnPhone(page);
    await page.getByRole("textbox", { name: "Your password" }).fill(jane.password);
    await page.getByLabel("Code of your authenticator app, or a recovery code").fill(phone.generate());
    await button(page, "Continue").click();
    await button(page, "Allow").click();
    const claims = (await first.redeem(await cameBack())).claims();
    expect(claims).toMatchObject({ acr: "2fa", amr: ["pwd", "otp", "mfa"] });
    expect(claims?.auth_time).toBeGreaterThanOrEqual(beganAt);
    const second = await app.begin({ acr_values: "phr" });
    await page.goto(second.url);
    await heading(page, "Confirm that it is you").waitFor();
    await button(page, "Use a passkey").click();
    expect((await second.redeem(await cameBack())).claims()).toMatchObject({ acr: "phr" });

    // Both are lost: a recovery code replaces them once.
    await laptop.remove();
    await signInWithPassword();
    await button(page, "Use a recovery code").click();
    await page.getByLabel("Recovery code").fill(spare);
    await button(page, "Continue").click();
    await isSignedIn();
    await page.goto("/second-factors");
    await page.getByText("9 codes are left.").waitFor();

    // The recovery codes are lost, too: an operator begins a reset, which nobody stops during the waiting period.
    const { factors } = server.domain;
    const janesId = await idOf(server, jane.username);
    await factors.requestReset(janesId, testSource);
    await signInWithPassword();
    await button(page, "Use a recovery code").waitFor();
    expect(await factors.resetDue(100)).toBe(0);
    await server.db.updateTable("users").set({ factor_reset_at: Date.now() }).where("id", "=", janesId).execute();
    expect(await factors.resetDue(100)).toBe(1);
    await page.goto("/sign-in");
    await signIn(page, jane.password, jane.username);
    await isSignedIn();
    await openPage(page, "Security");
    await page.getByText("None. Somebody who knows your password can sign in.").waitFor();
    const subjects = (await server.mails()).filter(({ to }) => to === jane.email).map(({ subject }) => subject);
    expect(subjects).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^The second factors of your .* account will be removed$/),
        expect.stringMatching(/^An administrator removed the second factors of your /),
      ]),
    );
  });
});
