// Makes `docs/screenshot.png` from the built app and a real server: `node apps/web/test/screenshot.ts`.

import { join } from "node:path";
import { startAppServer } from "@app/server/testing";
import { launchBrowser } from "@lockstep/server/browser-testing";
import { john } from "@lockstep/server/testing";

const file = join(import.meta.dirname, "../../../docs/screenshot.png");

await using server = await startAppServer();
const browser = await launchBrowser();
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, colorScheme: "light" });
  await page.goto(server.url);
  await page.getByLabel("Username or e-mail address").fill(john.username);
  await page.getByLabel("Password", { exact: true }).fill(john.password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("textbox", { name: "Full name" }).waitFor();
  await page.getByRole("heading", { name: "Account" }).blur();
  await page.screenshot({ path: file, animations: "disabled" });
} finally {
  await browser.close();
}
