// Step-up that an app asks for, with a certified client library and the browser's own virtual authenticators.

import { expect, test } from "vitest";
import { expectPresentableOnPhone } from "./authenticators.ts";
import { describeInBrowser } from "./browser.ts";
import { meetingsBy } from "./meetings.ts";
import { addAuthenticator } from "./virtual-authenticator.ts";
import { button, heading } from "./visitor.ts";

describeInBrowser("an app that asks how the user signed in", (browser) => {
  const meet = meetingsBy(browser);

  test("leads the user to a passkey, and gets tokens that say so, or an error [S42] [S113]", async () => {
    await using visitor = await meet();
    const { page, app } = visitor;
    const cameBack = async (): Promise<URL> => {
      await heading(page, "Back at Printshop").waitFor();
      return new URL(page.url());
    };
    await page.goto((await app.begin({ acr_values: "phr" })).url);
    await heading(page, "Printshop asks for a passkey").waitFor();
    await page.getByText("Add a passkey to your account").waitFor();
    expect(await button(page, "Add an authenticator app").count()).toBe(0);
    await expectPresentableOnPhone(page);
    await button(page, "Go back to the app").click();
    expect((await cameBack()).searchParams.get("error")).toBe("unmet_authentication_requirements");

    await addAuthenticator(page);
    const first = await app.begin({ acr_values: "phr" });
    await page.goto(first.url);
    await button(page, "Add a passkey").click();
    await button(page, "Add").click();
    await button(page, "Allow").click();
    expect((await first.redeem((await cameBack()).href)).claims()).toMatchObject({
      acr: "phr",
      amr: ["pwd", "pop", "user", "mfa"],
    });
  });
});
