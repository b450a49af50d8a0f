// Access that was recently added to an account, on the password page: its owner can revoke what somebody else may have
// added.

import { grantedToken, john, testSource } from "@lockstep/server/testing";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { describeInBrowser } from "./browser.ts";
import { button, expectAccessible, focusedText, type VisitOptions, visitsBy } from "./visitor.ts";

const newPassword = "seven wooden kites in the rain";

describeInBrowser("recently added access", (browser) => {
  const { visitSignedIn } = visitsBy(browser);

  /** John at the password page; `add` runs before and may add access. */
  const visitPassword = async (add: (visitor: Added) => Promise<unknown> = async () => {}, options?: VisitOptions) => {
    const visitor = await visitSignedIn(options);
    const { page, server } = visitor;
    const found = await server.domain.users.findByLogin(john.username);
    const userId = found?.user.id ?? "";
    const { identities, grants } = server.domain;
    await add({
      link: (email) =>
        identities.link(
          userId,
          "north",
          {
            issuer: "https://north.example",
            subject: email,
            email,
            emailVerified: true,
            fullName: null,
            username: null,
          },
          testSource,
        ),
      allow: () => grantedToken(server, userId, ["profile:read"]),
    });
    await page.goto("/password");
    await page.getByLabel("Current password", { exact: true }).waitFor();
    return {
      ...visitor,
      change: async () => {
        await page.getByLabel("Current password", { exact: true }).fill(john.password);
        await page.getByLabel("New password", { exact: true }).fill(newPassword);
        await button(page, "Change the password").click();
        await page.getByRole("status").getByText("Your password has been changed").waitFor();
      },
      emails: async () => (await identities.list(userId)).identities.map(({ email }) => email),
      clients: async () => (await grants.list(userId)).map(({ client }) => client.id),
    };
  };
  interface Added {
    readonly link: (email: string) => Promise<unknown>;
    readonly allow: () => ReturnType<typeof grantedToken>;
  }

  const recent = (page: Page) => page.getByRole("group", { name: "Added in the last 30 days" });

  test("is revoked with the change if selected, and the rest is listed afterwards [S87]", async () => {
    const clients: string[] = [];
    await using visitor = await visitPassword(async ({ link, allow }) => {
      await link("mine@example.org");
      await link("theirs@example.org");
      clients.push((await allow()).clientId, (await allow()).clientId);
    });
    const { page } = visitor;
    await recent(page).getByRole("checkbox", { name: "theirs@example.org" }).check();
    const apps = recent(page).getByRole("checkbox", { name: "A photo app" });
    expect(await apps.count()).toBe(2);
    await apps.first().check();
    await visitor.change();
    expect(await visitor.emails()).toEqual(["mine@example.org"]);
    const left = await visitor.clients();
    expect(left).toHaveLength(1);
    expect(clients).toContain(left[0]);
    const list = page.getByRole("region", { name: "Added in the last 30 days" });
    expect(await list.getByRole("listitem").allTextContents()).toEqual([
      expect.stringContaining("mine@example.org"),
      expect.stringContaining("A photo app"),
    ]);
    await list.getByRole("link", { name: "Linked accounts" }).waitFor();
    await list.getByRole("link", { name: "Connected apps" }).waitFor();
    expect(await focusedText(page)).toContain("Your password has been changed");
  });

  test("can be revoked all at once, including older grants [S87]", async () => {
    await using visitor = await visitPassword(async ({ link, allow }) => {
      await link("theirs@example.org");
      await allow();
    });
    const { page, server } = visitor;
    await recent(page).getByRole("checkbox", { name: "All of these" }).check();
    expect(await recent(page).getByRole("checkbox", { checked: true }).count()).toBe(3);
    // Granted in the meantime, and so not in the list.
    const found = await server.domain.users.findByLogin(john.username);
    await grantedToken(server, found?.user.id ?? "", ["profile:read"]);
    await page.getByRole("checkbox", { name: "End the access of all apps" }).check();
    await visitor.change();
    expect([await visitor.emails(), await visitor.clients()]).toEqual([[], []]);
    expect(await page.getByRole("region", { name: "Added in the last 30 days" }).count()).toBe(0);
  });

  test("is kept unless selected, and is not shown when there is none", async () => {
    await using other = await visitPassword();
    expect(await other.page.getByRole("checkbox").count()).toBe(0);

    await using visitor = await visitPassword(async ({ link, allow }) => {
      await link("mine@example.org");
      await allow();
    });
    await visitor.change();
    expect([await visitor.emails(), (await visitor.clients()).length]).toEqual([["mine@example.org"], 1]);
  });

  test.each(["light", "dark"] as const)(
    "can be selected by keyboard, is accessible (axe), and fits a phone: %s",
    async (colorScheme) => {
      await using visitor = await visitPassword(
        async ({ link, allow }) => {
          await link(`${"w".repeat(60)}@example.org`);
          await allow();
        },
        { colorScheme, viewport: { width: 360, height: 640 } },
      );
      const { page } = visitor;
      await expectAccessible(page);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
      await recent(page).getByRole("checkbox").first().focus();
      await page.keyboard.press("Space");
      await page.keyboard.press("Tab");
      await page.keyboard.press("Space");
      expect(await recent(page).getByRole("checkbox", { name: "All of these" }).isChecked()).toBe(true);
      await page.keyboard.press("Space");
      await visitor.change();
      await expectAccessible(page);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
    },
  );
});
