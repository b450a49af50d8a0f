// A customized web app, with the code of docs/pages.md: theme, words, slots, a replaced page, a removed page, and pages
// of its own.

import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "vite";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { describeInBrowser } from "./browser.ts";
import { button, expectAccessible, heading, signIn, visitsBy } from "./visitor.ts";

const web = join(import.meta.dirname, "..");
const docs = join(web, "../../docs/pages.md");

describeInBrowser("a web app with the code of docs/pages.md", (browser) => {
  let copy: string;
  let webDirectory: string;

  beforeAll(async () => {
    // Below the web app, whose packages it finds.
    copy = await mkdtemp(join(web, "customized-"));
    webDirectory = join(copy, "dist");
    for (const name of ["src", "public", "index.html", "vite.config.ts", "package.json"])
      await cp(join(web, name), join(copy, name), { recursive: true });
    await writeFile(join(copy, "tsconfig.json"), '{ "extends": "../tsconfig.json" }');
    await symlink(join(web, "node_modules"), join(copy, "node_modules"));
    const page = await readFile(docs, "utf8");
    for (const [, file = "", code = ""] of page.matchAll(/^```tsx? title=apps\/web\/(\S+)\n(.*?)^```$/gms))
      await writeFile(join(copy, file), code);
    vi.stubEnv("NODE_ENV", "production");
    await build({ root: copy, logLevel: "silent" });
    vi.unstubAllEnvs();
  });
  afterAll(() => rm(copy, { recursive: true, force: true }));

  const { visit } = visitsBy(browser);
  const visitCustomized = (path: string, colorScheme: "light" | "dark" = "light") =>
    visit(path, { server: { webDirectory }, colorScheme });

  test("shows its own sign-in page in place of ours, with its words, and its section on the account page", async () => {
    await using visitor = await visitCustomized("/");
    const { page } = visitor;
    await heading(page, "Welcome").waitFor();
    await page.getByText("Sign in to see your orders.").waitFor();
    await expectAccessible(page);
    await signIn(page, "wrong");
    await page.getByRole("alert").getByText("Der Benutzername oder das Passwort ist falsch.").waitFor();
    await signIn(page);
    await heading(page, "Account").waitFor();
    await page.getByText(/^Your customer number is [\w-]+\.$/).waitFor();
    await expectAccessible(page);
  });

  test("does not have the removed page, and shows its own public page without a sign-in", async () => {
    await using visitor = await visitCustomized("/imprint");
    const { page } = visitor;
    await heading(page, "Imprint").waitFor();
    await page.goto("/");
    await signIn(page);
    await heading(page, "Account").waitFor();
    const links = await page.getByRole("navigation", { name: "Main" }).getByRole("link").allTextContents();
    expect(links).toEqual(["Account", "Notes", "Security", "Sessions", "Apps"]);
    await page.goto("/developer");
    await heading(page, "Page not found").waitFor();
  });

  test.each([
    ["light", "rgb(255, 255, 255)"],
    ["dark", "rgb(11, 13, 16)"],
  ] as const)("has the colours, the font and the corners of its theme, in %s", async (scheme, background) => {
    await using visitor = await visitCustomized("/", scheme);
    const { page } = visitor;
    await heading(page, "Welcome").waitFor();
    expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe(background);
    expect(await page.evaluate(() => getComputedStyle(document.body).fontFamily)).toBe("Inter, system-ui, sans-serif");
    const corners = await button(page, "Sign in").evaluate((element) => getComputedStyle(element).borderRadius);
    expect(corners).toBe("2px");
    await expectAccessible(page);
  });
});
