// The page of notes in a browser.

import { signedInClient } from "@app/server/testing";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { describeInBrowser } from "./browser.ts";
import { button, eventually, expectAccessible, focusedText, openPage, visitsBy } from "./visitor.ts";

const text = (page: Page) => page.getByLabel("Text");
const listed = (page: Page) => page.getByRole("region", { name: "Your notes" }).getByRole("listitem");

describeInBrowser("the page of notes", (browser) => {
  const { visitSignedIn } = visitsBy(browser);

  /** A visitor at the page of their notes, and their client for calls from elsewhere. */
  const visitNotes = async (options?: Parameters<typeof visitSignedIn>[0]) => {
    const visitor = await visitSignedIn(options);
    const { page, server } = visitor;
    await openPage(page, "Notes");
    await page.getByText("You have no notes yet.").waitFor();
    const { client: elsewhere } = await signedInClient(server);
    return { ...visitor, elsewhere };
  };

  test("adds notes, shows the newest first, and deletes one after asking", async () => {
    await using visitor = await visitNotes();
    const { page } = visitor;
    for (const note of ["Water the plants", "Feed\nthe cat"]) {
      await text(page).fill(note);
      await button(page, "Add note").click();
      await listed(page).getByText(note).waitFor();
      await eventually(() => text(page).inputValue(), "");
    }
    await page.getByRole("status").getByText("Added").waitFor();
    expect(await listed(page).allInnerTexts()).toEqual([
      expect.stringMatching(/^Feed\nthe cat\n/),
      expect.stringMatching(/^Water the plants\n/),
    ]);

    await button(page, "Delete the note “Feed”").click();
    const dialog = page.getByRole("dialog", { name: "Delete this note?" });
    await dialog.getByRole("button", { name: "Cancel" }).click();
    expect(await listed(page).count()).toBe(2);
    await button(page, "Delete the note “Feed”").click();
    await dialog.getByRole("button", { name: "Delete note" }).click();
    await page.getByRole("status").getByText("The note was deleted.").waitFor();
    expect(await page.getByText("Added").count()).toBe(0);
    expect(await listed(page).allInnerTexts()).toEqual([expect.stringMatching(/^Water the plants\n/)]);
    await eventually(() => focusedText(page), "Your notes");
  });

  test("works by keyboard alone", async () => {
    await using visitor = await visitNotes();
    const { page } = visitor;
    await text(page).focus();
    await page.keyboard.type("Water the plants");
    await page.keyboard.press("Tab");
    expect(await focusedText(page)).toBe("Add note");
    await page.keyboard.press("Enter");
    await button(page, "Delete the note “Water the plants”").waitFor();
    await page.keyboard.press("Tab");
    await eventually(() => focusedText(page), "Delete");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await eventually(() => focusedText(page), "Delete");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.getByText("You have no notes yet.").waitFor();
  });

  test("reports a note that is empty or too long at its field", async () => {
    await using visitor = await visitNotes();
    const { page } = visitor;
    await button(page, "Add note").click();
    await page.getByText("Write something").waitFor();
    expect(await text(page).evaluate((field) => field === document.activeElement)).toBe(true);
    await text(page).fill("x".repeat(10_001));
    await button(page, "Add note").click();
    await page.getByText(/10000/).waitFor();
    expect(await text(page).getAttribute("aria-invalid")).toBe("true");
  });

  test("keeps the input when the server does not answer, and says so", async () => {
    await using visitor = await visitNotes();
    const { page, context } = visitor;
    await text(page).fill("Water the plants");
    await context.setOffline(true);
    await button(page, "Add note").click();
    await page.getByRole("alert").getByText("You are offline", { exact: true }).waitFor();
    expect(await text(page).inputValue()).toBe("Water the plants");
    await context.setOffline(false);
    await button(page, "Add note").click();
    await listed(page).getByText("Water the plants").waitFor();
  });

  test("reports success when the note was already deleted elsewhere", async () => {
    await using visitor = await visitNotes();
    const { page, elsewhere } = visitor;
    await text(page).fill("Water the plants");
    await button(page, "Add note").click();
    await button(page, "Delete the note “Water the plants”").click();
    const { notes } = await elsewhere.note.list.query({});
    await elsewhere.note.delete.mutate({ noteId: notes[0]?.id ?? "" });
    await button(page, "Delete note").click();
    await page.getByRole("status").getByText("The note was deleted.").waitFor();
    await page.getByText("You have no notes yet.").waitFor();
  });

  test("loads the next page on request", async () => {
    await using visitor = await visitNotes();
    const { page, elsewhere } = visitor;
    for (let count = 1; count <= 51; count++) await elsewhere.note.create.mutate({ text: `Note ${count}` });
    await page.reload();
    await button(page, "Show more").click();
    await eventually(() => listed(page).count(), 51);
    expect(await button(page, "Show more").count()).toBe(0);
  });

  test.each(["light", "dark"] as const)(
    "is accessible (axe) in %s colours, and fits a phone of 390 px",
    async (colorScheme) => {
      await using visitor = await visitNotes({ colorScheme, viewport: { width: 390, height: 844 } });
      const { page } = visitor;
      await text(page).fill("W".repeat(300));
      await button(page, "Add note").click();
      await listed(page).first().waitFor();
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
      await expectAccessible(page);
      await button(page, "Add note").click();
      await page.getByText("Write something").waitFor();
      await expectAccessible(page);
      await page.getByRole("button", { name: "Delete the note" }).click();
      await page.getByRole("dialog").waitFor();
      await expectAccessible(page);
    },
  );
});
