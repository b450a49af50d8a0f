// Passkeys, with the browser's own virtual authenticators.

import { john } from "@lockstep/server/testing";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { expectPresentableOnPhone, startAtLocalhost, withoutSuggestions } from "./authenticators.ts";
import { describeInBrowser } from "./browser.ts";
import { addAuthenticator } from "./virtual-authenticator.ts";
import { button, eventually, fields, heading, pathOf, signIn, signOut, visitsBy } from "./visitor.ts";

const finishPasskey = async (page: Page, name: string) => {
  await page.getByRole("textbox", { name: "Name" }).fill(name);
  await button(page, "Add").click();
  await button(page, `Rename ${name}`).waitFor();
};

const addPasskey = async (page: Page, name: string) => {
  await button(page, "Add a passkey").click();
  await finishPasskey(page, name);
};

const removeFactor = async (page: Page, name: string) => {
  await button(page, `Remove ${name}`).click();
  await page
    .getByRole("dialog", { name: `Remove ${name}?` })
    .getByRole("button", { name: "Remove" })
    .click();
};

/** The next call brings a challenge that the server does not take any more. */
const withExpiredChallenge = (page: Page, path: string) =>
  page.route(
    `**/trpc/${path}*`,
    (route) =>
      route.continue({
        postData: (route.request().postData() ?? "").replace(/"challengeId":"[^"]*"/, '"challengeId":"expired"'),
      }),
    { times: 1 },
  );

describeInBrowser("passkeys", (browser) => {
  const { visitSignedIn: opened } = visitsBy(browser, startAtLocalhost);

  test.each([
    { colorScheme: "light", by: "the browser's suggestion", suggests: true },
    { colorScheme: "dark", by: "the button", suggests: false },
  ] as const)(
    "a passkey is added, signs in alone by $by, is renamed and removed [S110]",
    async ({ colorScheme, suggests }) => {
      await using visitor = await opened({ colorScheme });
      const { page, server } = visitor;
      if (!suggests) await withoutSuggestions(page);
      const signInByPasskey = () => (suggests ? null : button(page, "Sign in with a passkey").click());
      const authenticator = await addAuthenticator(page);
      await page.goto("/security");
      await page.getByText("None. Somebody who knows your password can sign in.").waitFor();
      await page.getByRole("link", { name: "Add one" }).click();
      await heading(page, "Passkeys and second factors").waitFor();
      await button(page, "Add a passkey").click();
      await expectPresentableOnPhone(page);
      await button(page, "Cancel").click();
      await addPasskey(page, "Blue laptop");
      expect(await authenticator.names()).toEqual(["John Doe"]);
      await expectPresentableOnPhone(page);

      await signOut(page);
      await signInByPasskey();
      await page.getByLabel("Full name").fill("John Smith");
      await button(page, "Save changes").click();
      await eventually(authenticator.names, ["John Smith"]);

      await page.goto("/second-factors");
      await page.getByText(/last used/).waitFor();
      await button(page, "Rename Blue laptop").click();
      await page.getByLabel("New name").fill("Red laptop");
      await button(page, "Save").click();
      await page.getByText("Red laptop").waitFor();
      await removeFactor(page, "Red laptop");
      await page.getByText("No passkey yet.").waitFor();
      await eventually(authenticator.count, 0);

      // The passkey that this session began with is gone, so the user proves again who they are.
      await button(page, "Add a passkey").click();
      await page.getByRole("textbox", { name: "Your password" }).fill(john.password);
      await button(page, "Continue").click();
      await finishPasskey(page, "Green laptop");

      // The server answers to an unknown passkey as it does to a wrong password, and the authenticator forgets it.
      await server.db.deleteFrom("factors").execute();
      await signOut(page);
      await signInByPasskey();
      await page.getByRole("alert").getByText("It may have been removed. Sign in another way").waitFor();
      await expectPresentableOnPhone(page);
      expect(pathOf(page)).toMatch(/^\/sign-in/);
      await eventually(authenticator.count, 0);
    },
  );

  test.each([
    { by: "the browser's suggestion", suggests: true },
    { by: "the button", suggests: false },
  ])(
    "a passkey that is given too late, by $by, leads back to the form, which says so and takes it then [S110]",
    async ({ suggests }) => {
      await using visitor = await opened();
      const { page } = visitor;
      if (!suggests) await withoutSuggestions(page);
      await addAuthenticator(page);
      await page.goto("/second-factors");
      await addPasskey(page, "Laptop");
      await withExpiredChallenge(page, "auth.loginWithPasskey");
      await signOut(page);
      if (!suggests) await button(page, "Sign in with a passkey").click();
      const notice = page.getByRole("alert").filter({ hasText: "This took too long" });
      await notice.getByText("Try again.").waitFor();
      await expectPresentableOnPhone(page);
      await fields(page).password.waitFor();
      await button(page, "Sign in with a passkey").click();
      await page.getByText("@john").waitFor();
    },
  );

  test("a step-up with a passkey that is given too late says so, and takes it then [S110]", async () => {
    await using visitor = await opened();
    const { page, server } = visitor;
    await addAuthenticator(page);
    await page.goto("/second-factors");
    await addPasskey(page, "Laptop");
    await server.db.updateTable("sessions").set({ authenticated_at: 0, factors: null }).execute();
    await page.goto("/second-factors");
    await withExpiredChallenge(page, "auth.stepUp");
    await removeFactor(page, "Laptop");
    const dialog = page.getByRole("dialog", { name: "Confirm that it is you" });
    await dialog.getByRole("button", { name: "Use a passkey" }).click();
    const notice = dialog.getByRole("alert").filter({ hasText: "This took too long" });
    await notice.getByText("Try again.").waitFor();
    await expectPresentableOnPhone(page);
    await dialog.getByRole("button", { name: "Use a passkey" }).click();
    await page.getByText("No passkey yet.").waitFor();
  });

  test("an authenticator that does not verify its user makes no passkey, and gives none [S110]", async () => {
    await using visitor = await opened();
    const { page } = visitor;
    await withoutSuggestions(page);
    const authenticator = await addAuthenticator(page, { isUserVerified: false });
    await page.goto("/second-factors");
    await button(page, "Add a passkey").click();
    await button(page, "Add").click();
    await page.getByText("No passkey was made. Try again, and confirm with your PIN").waitFor();
    expect(await authenticator.count()).toBe(0);
    await authenticator.verifiesUser();
    await button(page, "Add").click();
    await page.getByText(/^Added just now, /).waitFor();
    await authenticator.remove();
    await addAuthenticator(page);
    await signOut(page);
    await button(page, "Sign in with a passkey").click();
    await page.getByText("No passkey was given. Try again, or sign in another way.").waitFor();
    await expectPresentableOnPhone(page);
  });

  test("an account has two passkeys, and signs in by the one that was not removed", async () => {
    await using visitor = await opened();
    const { page } = visitor;
    await withoutSuggestions(page);
    const laptop = await addAuthenticator(page);
    await page.goto("/second-factors");
    await addPasskey(page, "Laptop");
    const key = await addAuthenticator(page, { isSecurityKey: true });
    await laptop.isTouched(false);
    await addPasskey(page, "Security key");
    expect([await laptop.count(), await key.count()]).toEqual([1, 1]);
    await removeFactor(page, "Laptop");
    await button(page, "Rename Laptop").waitFor({ state: "detached" });
    await signOut(page);
    await button(page, "Sign in with a passkey").click();
    await page.getByText("@john").waitFor();
    expect(await key.count()).toBe(1);
  });

  test("a passkey is the second step after a password, and a recovery code replaces it when it is lost", async () => {
    await using visitor = await opened();
    const { page } = visitor;
    await withoutSuggestions(page);
    const phone = await addAuthenticator(page);
    await page.goto("/second-factors");
    await addPasskey(page, "Phone");
    await button(page, "Make recovery codes").click();
    await page.getByRole("link", { name: "Download" }).waitFor();
    const [code = ""] = await page.getByRole("region", { name: "Recovery codes" }).locator("code").allTextContents();
    await signOut(page);
    await signIn(page);
    await heading(page, "Sign in").waitFor();
    await button(page, "Continue with a passkey").click();
    await page.getByText("@john").waitFor();

    await phone.remove();
    await signOut(page);
    await signIn(page);
    await button(page, "Continue with a passkey").waitFor();
    await expectPresentableOnPhone(page);
    await button(page, "Use a recovery code").click();
    await page.getByLabel("Recovery code").fill(code);
    await button(page, "Continue").click();
    await page.getByText("@john").waitFor();
    await page.goto("/second-factors");
    await page.getByText("9 codes are left.").waitFor();
    await removeFactor(page, "Phone");
    await page.getByText("No passkey yet.").waitFor();
  });
});
