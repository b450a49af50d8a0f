// The e-mail address of an account in a browser: changing, verifying and removing it, and undoing a change.

import { john } from "@lockstep/server/testing";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { describeInBrowser, openContext } from "./browser.ts";
import { mailTo, proofTo } from "./mails.ts";
import {
  button,
  eventually,
  expectAccessible,
  expectPresentable,
  heading,
  openPage,
  phone,
  signIn,
  visitsBy,
} from "./visitor.ts";

const newAddress = "jane@example.com";

const ask = async (page: Page, email: string = newAddress) => {
  await page.getByLabel("New e-mail address").fill(email);
  await button(page, "Send a code").click();
};

describeInBrowser("the page for the e-mail address", (browser) => {
  const { visitSignedIn } = visitsBy(browser);
  const visitAddress = async () => {
    const visitor = await visitSignedIn();
    await openPage(visitor.page, "Security");
    await visitor.page.getByRole("link", { name: "Change your address" }).click();
    await heading(visitor.page, "E-mail address").waitFor();
    return visitor;
  };

  test("[S94] changes it after reauthentication with the password, with the code that the new one received", async () => {
    await using visitor = await visitAddress();
    const { page, server } = visitor;
    await server.db.updateTable("sessions").set({ authenticated_at: 0, factors: null }).execute();
    await ask(page, "Jane@Example.com");
    await page.getByRole("dialog").getByLabel("Your password", { exact: true }).fill(john.password);
    await page.getByRole("dialog").getByRole("button", { name: "Continue" }).click();
    await heading(page, "Check your mail").waitFor();
    const code = page.getByLabel("Code", { exact: true });
    await code.fill("BCDF GHJK");
    await button(page, "Use this address").click();
    await page.getByText("This code is wrong. You can try 4 more times.").waitFor();
    expect(await code.getAttribute("aria-invalid")).toBe("true");
    await code.fill((await proofTo(server, newAddress)).code);
    await button(page, "Use this address").click();
    await page.getByRole("status").getByText("The address of your account is jane@example.com.").waitFor();
    await page.getByRole("region", { name: "Your address" }).getByText("Verified", { exact: true }).waitFor();
  });

  test("reports an address that is none at its field", async () => {
    await using visitor = await visitAddress();
    const { page } = visitor;
    await ask(page, "nonsense");
    await page.getByText("Must be an e-mail address").waitFor();
    expect(await page.getByLabel("New e-mail address").getAttribute("aria-invalid")).toBe("true");
  });

  test("shows an address that is not verified, and verifies it", async () => {
    await using visitor = await visitSignedIn();
    const { page, server } = visitor;
    await server.db.updateTable("users").set({ email_proof: null }).execute();
    await page.goto("/security");
    await page.getByText("john@example.com Not verified").waitFor();
    await expectAccessible(page);
    await page.getByRole("link", { name: "Verify your address" }).click();
    await button(page, "Send a code to it").click();
    await heading(page, "Check your mail").waitFor();
    await page.getByLabel("Code", { exact: true }).fill((await proofTo(server, john.email)).code);
    await button(page, "Use this address").click();
    await page.getByRole("region", { name: "Your address" }).getByText("Verified", { exact: true }).waitFor();
    await openPage(page, "Security");
    await page.getByRole("link", { name: "Change your address" }).waitFor();
  });

  test("removes it after a question", async () => {
    await using visitor = await visitAddress();
    const { page, server } = visitor;
    await button(page, "Remove the address").click();
    await button(page, "Remove").click();
    await page.getByRole("status").getByText("Your account has no address any more.").waitFor();
    await page.getByRole("heading", { name: "Add an address" }).waitFor();
    expect((await server.domain.users.findByLogin(john.username))?.user.email).toBeNull();
  });

  test("explains the limit on codes (TOO_MANY_ATTEMPTS)", async () => {
    await using visitor = await visitAddress();
    const { page } = visitor;
    for (let request = 0; request < 5; request++) {
      await ask(page);
      await button(page, "Use another address").click();
    }
    await button(page, "Send a code").click();
    const alert = page.getByRole("alert");
    await alert.getByText("Too many attempts").waitFor();
    expect(await alert.getByText("password").count()).toBe(0);
  });

  test.each(["light", "dark"] as const)("is accessible on a phone in every state, in %s", async (colorScheme) => {
    await using visitor = await visitSignedIn({ ...phone, colorScheme });
    const { page, server } = visitor;
    await server.db.updateTable("users").set({ email_proof: null }).execute();
    await page.goto("/email");
    await button(page, "Send a code to it").waitFor();
    await expectPresentable(page);
    await button(page, "Remove the address").click();
    await page.getByRole("dialog").waitFor();
    await expectPresentable(page);
    await button(page, "Cancel").click();
    await ask(page);
    await heading(page, "Check your mail").waitFor();
    await expectPresentable(page);
    await page.goto((await proofTo(server, newAddress)).path);
    await heading(page, "Use this address?").waitFor();
    await expectPresentable(page);
    await button(page, "Use this address").click();
    await page.getByRole("status").getByText("The address of your account is jane@example.com.").waitFor();
    await expectPresentable(page);
  });

  describe("by the link in the mail", () => {
    test("asks once in the browser that asked, and changes the address", async () => {
      await using visitor = await visitAddress();
      const { page, server } = visitor;
      await ask(page);
      await heading(page, "Check your mail").waitFor();
      await page.goto((await proofTo(server, newAddress)).path);
      await heading(page, "Use this address?").waitFor();
      expect(page.url()).toBe(`${server.url}/email`);
      expect((await server.domain.users.findByLogin(john.username))?.user.email).toBe(john.email);
      await button(page, "Use this address").click();
      await page.getByRole("status").getByText("The address of your account is jane@example.com.").waitFor();
    });

    test("asks to sign in first when the session has ended", async () => {
      await using visitor = await visitAddress();
      const { page, server } = visitor;
      await ask(page);
      await heading(page, "Check your mail").waitFor();
      await button(page, "Sign out").click();
      await heading(page, "Sign in").waitFor();
      await page.goto((await proofTo(server, newAddress)).path);
      await page.getByText("to change the address of your account").waitFor();
      await signIn(page);
      await heading(page, "Use this address?").waitFor();
      await button(page, "Use this address").click();
      await page.getByRole("status").getByText("The address of your account is jane@example.com.").waitFor();
    });

    test("shows the code in another browser", async () => {
      await using visitor = await visitAddress();
      const { page, server } = visitor;
      await ask(page);
      await heading(page, "Check your mail").waitFor();
      const { code, path } = await proofTo(server, newAddress);
      const other = await openContext(browser(), { baseURL: server.url });
      const phone = await other.newPage();
      await phone.goto(path);
      await phone.getByText(code, { exact: true }).waitFor();
      await phone.getByText("It makes jane@example.com the address of an account.").waitFor();
      await other.close();
    });
  });

  test("[S94] a change can be undone with the link that the old address got, and only once", async () => {
    await using visitor = await visitAddress();
    const { page, server } = visitor;
    await ask(page);
    await heading(page, "Check your mail").waitFor();
    await page.getByLabel("Code", { exact: true }).fill((await proofTo(server, newAddress)).code);
    await button(page, "Use this address").click();
    await page.getByRole("status").getByText("The address of your account is jane@example.com.").waitFor();

    const { path } = await proofTo(server, john.email);
    expect((await mailTo(server, john.email)).text).toContain(path);
    const other = await openContext(browser(), { baseURL: server.url });
    const owner = await other.newPage();
    await owner.goto(path);
    await heading(owner, "Undo the change of your address?").waitFor();
    expect(owner.url()).toBe(`${server.url}/proof`);
    await expectAccessible(owner);
    expect((await server.domain.users.findByLogin(john.username))?.user.email).toBe(newAddress);
    await button(owner, "Undo the change").click();
    await heading(owner, "The change was undone").waitFor();
    await owner.getByText("The address of your account is john@example.com again.").waitFor();
    await owner.getByText("Your password no longer works").waitFor();
    await expectAccessible(owner);
    expect(await server.domain.users.findByLogin(john.username)).toMatchObject({ passwordHash: null });
    await eventually(async () => (await server.domain.users.findByLogin(john.username))?.user.email, john.email);
    // It ended the sessions.
    await heading(page, "Sign in").waitFor();
    await owner.getByRole("link", { name: "Set a new password" }).click();
    await heading(owner, "Recover your account").waitFor();
    await owner.goto(path);
    await heading(owner, "This was already used").waitFor();
    await other.close();
  });
});
