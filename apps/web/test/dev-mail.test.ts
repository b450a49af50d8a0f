// `/dev/mail` in a browser: reading a caught mail, and opening its link.

import { test } from "vitest";
import { describeInBrowser } from "./browser.ts";
import { startServer } from "./client.ts";
import { mailTo } from "./mails.ts";
import { button, expectPresentable, heading, phone, visitsBy } from "./visitor.ts";

describeInBrowser("/dev/mail", (browser) => {
  const { visit } = visitsBy(browser, startServer);

  test("shows a mail whose link continues where it was asked for, is accessible (axe), and fits a phone", async () => {
    await using visitor = await visit("/sign-up", phone);
    const { page, server } = visitor;
    const expectReadable = async () => {
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        await expectPresentable(page);
      }
    };
    await page.getByLabel("E-mail address").fill("jane@example.com");
    await button(page, "Send a code").click();
    await heading(page, "Check your mail").waitFor();
    const { subject, html } = await mailTo(server, "jane@example.com");

    await page.goto("/dev/mail");
    await heading(page, "Mails").waitFor();
    await expectReadable();
    await page.getByRole("link", { name: subject }).click();
    await heading(page, subject).waitFor();
    const mail = page.frameLocator("iframe");
    const opened = page.waitForEvent("popup");
    await mail.getByRole("link").first().click();
    const tab = await opened;
    await heading(tab, "Your account").waitFor();
    await tab.getByText("jane@example.com").waitFor();
    await tab.close();

    // Axe is a script, which the frame does not run. So it reads the mail in a page of its own.
    await page.locator("iframe").evaluate((frame) => frame.remove());
    await expectReadable();
    await page.goto("about:blank");
    await page.setContent(html);
    await page.addStyleTag({ content: "html { background: Canvas }" });
    await expectReadable();
  });
});
