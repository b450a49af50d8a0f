// Owns what tests of passkeys need besides authenticators: a server at a host name, and pages at the width of a phone.

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
