// `npm run dev` in daily work: the real command in a copy of this repository, with a browser on the page that it serves.

import { afterAll, beforeAll, describe, expect, inject, onTestFailed, test } from "vitest";
import { launchBrowser, skippedWithoutBrowser } from "../packages/server/test/chromium.ts";
import { freePort, startProgram } from "./processes.ts";
import { makeWorkingCopy } from "./working-copy.ts";

describe.skipIf(skippedWithoutBrowser("the test of npm run dev"))("npm run dev", () => {
  let browser: Awaited<ReturnType<typeof launchBrowser>>;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser?.close());

  test("applies changes of the web app, the server and the contract, and prints type errors", async () => {
    using copy = makeWorkingCopy();
    // By default, pnpm links files of its store. An installation elsewhere that links or deletes the same files changes their
    // attributes, and `node --watch` would restart the server.
    copy.edit("pnpm-workspace.yaml", "packages:\n", "packageImportMethod: copy\npackages:\n");
    const [port, vitePort, providerPort] = await Promise.all([freePort(), freePort(), freePort()]);
    const url = `http://localhost:${port}`;
    await using setup = startProgram("npm run setup", { cwd: copy.root });
    expect(await setup.exited).toBe(0);
    await using dev = startProgram("npm run dev", {
      cwd: copy.root,
      env: {
        PORT: String(port),
        WEB_DEV_URL: `http://localhost:${vitePort}`,
        DEMO_PROVIDER: "1",
        DEMO_PROVIDER_PORT: String(providerPort),
        BCRYPT_COST: "10",
      },
    });
    onTestFailed(() => {
      process.stderr.write(dev.output());
    });

    await dev.printed(`Lockstep is ready: ${url}`);
    await dev.printed(`http://localhost:${vitePort}/`);
    await dev.printed(`The demo identity provider at http://localhost:${providerPort}`);

    const context = await browser.newContext({ reducedMotion: "reduce" });
    context.setDefaultTimeout(inject("patienceMs"));
    const page = await context.newPage();
    const faults: string[] = [];
    page.on("pageerror", (error) => faults.push(String(error)));
    await page.goto(url);
    await page.getByLabel("Username or e-mail address").fill("john");
    await page.getByLabel("Password", { exact: true }).fill("secret");
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    const fullName = page.getByRole("textbox", { name: "Full name" });
    await fullName.fill("Typed but not sent");
    /** Whether the page has not been reloaded since it was opened. */
    const stayed = () => page.evaluate(() => Reflect.get(globalThis, "opened") === true);
    await page.evaluate(() => Reflect.set(globalThis, "opened", true));

    // Web app: the change is shown at once, and the form keeps its content.
    copy.edit("packages/pages/src/pages/account/words.ts", "Who you are here", "Edited: who you are here");
    await page.getByText("Edited: who you are here").waitFor();
    expect(await fullName.inputValue()).toBe("Typed but not sent");
    expect(await stayed()).toBe(true);

    // Server: it restarts, and the page stays.
    let printed = dev.output().length;
    copy.edit("apps/server/src/notes.ts", "({ id, text, createdAt", "({ id, text: text.toUpperCase(), createdAt");
    await dev.printed(`Lockstep is ready: ${url}`, printed);
    await page.getByRole("link", { name: "Notes" }).click();
    await page.getByLabel("Text").fill("A note");
    await page.getByRole("button", { name: "Add note" }).click();
    await page.getByText("A NOTE").waitFor();
    await page.getByRole("link", { name: "Account" }).click();
    await fullName.fill("Typed again");
    expect(await stayed()).toBe(true);

    // No type errors so far.
    expect(dev.output()).not.toMatch(/error TS\d+/);

    // Contract: both sides apply it while the server restarts, and the form keeps its content.
    printed = dev.output().length;
    copy.edit("packages/kit/src/names.ts", "Enter your name", "Enter a name, please");
    copy.edit("packages/kit/src/errors.ts", "Sign in first.", "Sign in first, please.");
    copy.edit("packages/kit/src/users.ts", "fullName: z.string()", "fullName: (z.string() as unknown as z.ZodNumber)");
    await dev.printed(`Lockstep is ready: ${url}`, printed);
    await expect.poll(async () => (await fetch(`${url}/users/me`)).text()).toContain("Sign in first, please.");
    expect(await fullName.inputValue()).toBe("Typed again");
    await fullName.fill(" ");
    await page.getByRole("button", { name: "Save changes" }).click();
    await page.getByText("Enter a name, please").waitFor();
    expect(await stayed()).toBe(true);

    // Types: one of these edits is an error in a package that depends on the edited one. It is printed, and stopped nothing.
    await dev.printed(/server.*src\/domain\/accounts\/users\.ts\(\d+,\d+\): error TS\d+/s, printed);

    expect(faults).toEqual([]);
    await context.close();
  });
});
