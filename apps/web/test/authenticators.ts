// Owns the authenticators of passkey tests: the browser's own virtual ones, over the DevTools protocol.

import { type AppServerOptions, startAppServer } from "@app/server/testing";
import { freePort } from "@lockstep/server/authorization-server-testing";
import type { Page } from "playwright-core";
import { expectPresentable, phone } from "./visitor.ts";

/** Passkeys belong to a host name, and WebAuthn compares the whole origin. */
export const startAtLocalhost = async ({ config, ...options }: AppServerOptions = {}) => {
  const port = await freePort();
  const publicUrl = `http://localhost:${port}`;
  const server = await startAppServer({ ...options, config: { ...config, host: "localhost", port, publicUrl } });
  return { ...server, url: publicUrl };
};

/** Adds an authenticator to the browser: of its device, or a security key. The user touches it at once. */
export const addAuthenticator = async (page: Page, { isUserVerified = true, isSecurityKey = false } = {}) => {
  const devTools = await page.context().newCDPSession(page);
  await devTools.send("WebAuthn.enable");
  const { authenticatorId } = await devTools.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: isSecurityKey ? "usb" : "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified,
      automaticPresenceSimulation: true,
    },
  });
  const passkeys = async () => (await devTools.send("WebAuthn.getCredentials", { authenticatorId })).credentials;
  return {
    /** How many passkeys it has. */
    count: async () => (await passkeys()).length,
    /** The names under which it shows them. */
    names: async () => (await passkeys()).map(({ userDisplayName }) => userDisplayName),
    verifiesUser: () => devTools.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: true }),
    isTouched: (enabled: boolean) =>
      devTools.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId, enabled }),
    remove: () => devTools.send("WebAuthn.removeVirtualAuthenticator", { authenticatorId }),
  };
};

/** The virtual authenticator accepts a suggestion at once, so tests that mean another way switch suggestions off. */
export const withoutSuggestions = (page: Page) =>
  page.addInitScript(() => {
    PublicKeyCredential.isConditionalMediationAvailable = async () => false;
  });

export const expectPresentableOnPhone = async (page: Page) => {
  const before = page.viewportSize();
  await page.setViewportSize(phone.viewport);
  await expectPresentable(page);
  if (before) await page.setViewportSize(before);
};
