// Owns authenticators for passkeys: the browser's own virtual ones, over the DevTools protocol. Also for scripts, which are
// no tests.

import type { Page } from "playwright-core";

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
