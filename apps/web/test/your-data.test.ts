// Exporting everything that is stored about the user, deleting the account, and keeping it, in a browser.

import { readFile } from "node:fs/promises";
import { john } from "@lockstep/server/testing";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { describeInBrowser } from "./browser.ts";
import { proofTo } from "./mails.ts";
import { button, expectPresentable, heading, phone, signIn, visitsBy } from "./visitor.ts";

const reauthenticate = async (page: Page) => {
  await page.getByRole("dialog").getByLabel("Your password", { exact: true }).fill(john.password);
  await page.getByRole("dialog").getByRole("button", { name: "Continue" }).click();
};

describeInBrowser("the page for the user's data", (browser) => {
  const { visitSignedIn } = visitsBy(browser);

  test("[S116] exports everything as a file, deletes the account after a question, and keeps it by signing in or with the mail", async () => {
    await using visitor = await visitSignedIn(phone);
    const { page, server } = visitor;
    await page.getByRole("link", { name: "Export it, or delete your account" }).click();
    await heading(page, "Your data").waitFor();
    await button(page, "Download").waitFor();
    await expectPresentable(page);

    await server.db.updateTable("sessions").set({ authenticated_at: 0, factors: null }).execute();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      button(page, "Download")
        .click()
        .then(() => reauthenticate(page)),
    ]);
    expect(download.suggestedFilename()).toMatch(/^john-\d{4}-\d\d-\d\d\.json$/);
    const { tables } = JSON.parse(await readFile(await download.path(), "utf8"));
    expect(tables.users).toMatchObject([{ username: "john", email: john.email }]);
    await page.getByRole("status").getByText("The file is in your downloads.").waitFor();

    await button(page, "Delete the account").click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("Your sessions, linked accounts, and the access of apps: at once").waitFor();
    await dialog.getByText("Everything that you stored here").waitFor();
    await expectPresentable(page);
    await dialog.getByRole("button", { name: "Cancel" }).click();
    expect(await server.domain.deletions.findAmong([tables.users[0].id])).toEqual(new Map());
    await button(page, "Delete the account").click();
    await button(page, "Delete my account").click();
    await heading(page, "Sign in").waitFor();
    await page.getByRole("status").getByText("Your account will be deleted").waitFor();
    await expectPresentable(page);

    await signIn(page);
    await heading(page, "Keep your account?").waitFor();
    expect(page.url()).toBe(`${server.url}/proof`);
    await page.getByText(/It is deleted on .*, with everything in it\./).waitFor();
    await expectPresentable(page);
    await button(page, "Keep the account").click();
    await heading(page, "Your account stays").waitFor();
    await expectPresentable(page);
    await page.getByRole("link", { name: "Sign in" }).click();
    await heading(page, "Sign in").waitFor();
    await signIn(page);
    await visitor.fullName.waitFor();

    await page.goto("/your-data");
    await button(page, "Delete the account").click();
    await button(page, "Delete my account").click();
    await heading(page, "Sign in").waitFor();
    await page.goto((await proofTo(server, john.email)).path);
    await button(page, "Keep the account").click();
    await page.getByText("The account john is not deleted.").waitFor();
  });

  test("keeps the last administrator, and says why", async () => {
    await using visitor = await visitSignedIn();
    const { page, server } = visitor;
    await server.db.updateTable("users").set({ role: "admin" }).execute();
    await page.goto("/your-data");
    await page.getByText("You are the only administrator.").waitFor();
    expect(await button(page, "Delete the account").count()).toBe(0);
  });
});
