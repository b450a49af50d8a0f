// Passkeys and second factors, with the browser's own virtual authenticators.

import { type AppServerOptions, startAppServer } from "@app/server/testing";
import { freePort } from "@lockstep/server/authorization-server-testing";
import { TOTP } from "otpauth";
import type { CDPSession, Page } from "playwright-core";
import { expect, test } from "vitest";
import { describeInBrowser } from "./browser.ts";
import { button, eventually, expectPresentable, fields, heading, pathOf, phone, signIn, visitsBy } from "./visitor.ts";

/** Passkeys belong to a host name, and WebAuthn compares the whole origin. */
const startAtLocalhost = async ({ config, ...options }: AppServerOptions = {}) => {
  const port = await freePort();
  const publicUrl = `http://localhost:${port}`;
  const server = await startAppServer({ ...options, config: { ...config, host: "localhost", port, publicUrl } });
  return { ...server, url: publicUrl };
};

const addAuthenticator = async (page: Page, { isUserVerified = true } = {}) => {
  const devTools = await page.context().newCDPSession(page);
  await devTools.send("WebAuthn.enable");
  const { authenticatorId } = await devTools.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified,
      automaticPresenceSimulation: true,
    },
  });
  return { devTools, authenticatorId };
};

const passkeysIn = async ({ devTools, authenticatorId }: { devTools: CDPSession; authenticatorId: string }) =>
  (await devTools.send("WebAuthn.getCredentials", { authenticatorId })).credentials.length;

const expectPresentableOnPhone = async (page: Page) => {
  const before = page.viewportSize();
  await page.setViewportSize(phone.viewport);
  await expectPresentable(page);
  if (before) await page.setViewportSize(before);
};

const signOut = async (page: Page) => {
  await page.goto("/");
  await button(page, "Sign out").click();
  await heading(page, "Sign in").waitFor();
};

describeInBrowser("passkeys and second factors", (browser) => {
  const { visit, visitSignedIn: opened } = visitsBy(browser, startAtLocalhost);

  test.each([
    { colorScheme: "light", by: "the browser's suggestion", suggests: true },
    { colorScheme: "dark", by: "the button", suggests: false },
  ] as const)(
    "a passkey is added, signs in alone by $by, is renamed and removed [S110]",
    async ({ colorScheme, suggests }) => {
      await using visitor = await opened({ colorScheme });
      const { page } = visitor;
      // The virtual authenticator accepts a suggestion at once.
      if (!suggests)
        await page.addInitScript(() => {
          PublicKeyCredential.isConditionalMediationAvailable = async () => false;
        });
      const signInByPasskey = () => (suggests ? null : button(page, "Sign in with a passkey").click());
      const authenticator = await addAuthenticator(page);
      await page.goto("/security");
      await page.getByText("None. Somebody who knows your password can sign in.").waitFor();
      await page.getByRole("link", { name: "Add one" }).click();
      await heading(page, "Passkeys and second factors").waitFor();
      await button(page, "Add a passkey").click();
      await page.getByLabel("Name").fill("Blue laptop");
      await expectPresentableOnPhone(page);
      await button(page, "Add").click();
      await page.getByText("Blue laptop").waitFor();
      expect(await passkeysIn(authenticator)).toBe(1);
      await expectPresentableOnPhone(page);

      await signOut(page);
      await signInByPasskey();
      await page.getByText("@john").waitFor();

      await page.goto("/second-factors");
      await page.getByText(/last used/).waitFor();
      await button(page, "Rename Blue laptop").click();
      await page.getByLabel("New name").fill("Red laptop");
      await button(page, "Save").click();
      await page.getByText("Red laptop").waitFor();
      await button(page, "Remove Red laptop").click();
      await page.getByRole("dialog", { name: "Remove Red laptop?" }).getByRole("button", { name: "Remove" }).click();
      await page.getByText("No passkey yet.").waitFor();

      // The authenticator still has it. The server answers as it does to a wrong password.
      await signOut(page);
      await signInByPasskey();
      await page.getByRole("alert").getByText("This passkey does not open an account here.").waitFor();
      expect(pathOf(page)).toMatch(/^\/sign-in/);
    },
  );

  test("an authenticator that does not verify its user makes no passkey [S110]", async () => {
    await using visitor = await opened();
    const { page } = visitor;
    const authenticator = await addAuthenticator(page, { isUserVerified: false });
    await page.goto("/second-factors");
    await button(page, "Add a passkey").click();
    await button(page, "Add").click();
    await page.getByText("No passkey was made. Try again.").waitFor();
    expect(await passkeysIn(authenticator)).toBe(0);
  });

  test("an authenticator app is asked for after the password, and recovery codes replace it once", async () => {
    await using visitor = await opened();
    const { page } = visitor;
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
