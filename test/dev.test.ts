// `pnpm dev` as somebody uses it for a day's work: the real command, in a copy of this repository, with a browser on the
// page that it serves.

import { afterAll, beforeAll, describe, expect, onTestFailed, test } from "vitest";
import { launchBrowser, skippedWithoutBrowser } from "../apps/web/test/browser.ts";
import { freePort, startProgram } from "./processes.ts";
import { makeWorkingCopy } from "./working-copy.ts";

describe.skipIf(skippedWithoutBrowser("the test of pnpm dev"))("pnpm dev", () => {
  let browser: Awaited<ReturnType<typeof launchBrowser>>;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser?.close());

  test("shows each change of the web app, the server and the contract, and prints type errors", async () => {
    using copy = makeWorkingCopy();
    const [port, vitePort, providerPort] = await Promise.all([freePort(), freePort(), freePort()]);
    const url = `http://localhost:${port}`;
    const pnpm = "npx -y pnpm@12.21.0";
    // Whoever runs this test has the packages: none is fetched.
    const install = `${pnpm} install --frozen-lockfile --prefer-offline --reporter=silent`;
    await using dev = startProgram(`${install} && ${pnpm} dev`, {
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
    await dev.printed(`The demo provider at http://localhost:${providerPort}`);

    const context = await browser.newContext({ reducedMotion: "reduce" });
    context.setDefaultTimeout(60_000);
    const page = await context.newPage();
    const faults: string[] = [];
    page.on("pageerror", (error) => faults.push(String(error)));
    await page.goto(url);
    await page.getByLabel("Username or e-mail address").fill("john");
    await page.getByLabel("Password", { exact: true }).fill("secret");
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    const fullName = page.getByRole("textbox", { name: "Full name" });
    await fullName.fill("Typed, and not sent");
    /** Whether the page is the one that was opened: it was not loaded afresh. */
    const stayed = () => page.evaluate(() => Reflect.get(globalThis, "opened") === true);
    await page.evaluate(() => Reflect.set(globalThis, "opened", true));

    // The web app: shown at once, and the form keeps what was typed.
    copy.edit("apps/web/src/pages/account.tsx", "Who you are here", "Edited: who you are here");
    await page.getByText("Edited: who you are here").waitFor();
    expect(await fullName.inputValue()).toBe("Typed, and not sent");
    expect(await stayed()).toBe(true);

    // The server: starts again, and the page goes on.
    let printed = dev.output().length;
    copy.edit("apps/server/src/demo.ts", "This is a protected route.", "This route was edited.");
    await dev.printed(`Lockstep is ready: ${url}`, printed);
    await page.getByRole("link", { name: "Greeting" }).click();
    await page.getByText("This route was edited.").waitFor();
    await page.getByRole("link", { name: "Account" }).click();
    await fullName.fill("Typed again");
    expect(await stayed()).toBe(true);

    // The contract: both sides take it while the server restarts, and the form keeps what was typed.
    printed = dev.output().length;
    copy.edit("packages/kit/src/names.ts", "Enter your name", "Enter a name, please");
    copy.edit("packages/kit/src/errors.ts", "Sign in first.", "Sign in first, please.");
    await dev.printed(`Lockstep is ready: ${url}`, printed);
    await expect
      .poll(async () => (await fetch(`${url}/users/me`)).text(), { timeout: 60_000 })
      .toContain("Sign in first, please.");
    expect(await fullName.inputValue()).toBe("Typed again");
    await fullName.fill(" ");
    await page.getByRole("button", { name: "Save changes" }).click();
    await page.getByText("Enter a name, please").waitFor();
    expect(await stayed()).toBe(true);

    // Types: quiet so far; an error is printed, and so is one in a package that the edited one is used by.
    expect(dev.output()).not.toMatch(/error TS\d+/);
    printed = dev.output().length;
    copy.edit("packages/kit/src/users.ts", "fullName: z.string()", "fullName: z.number()");
    await dev.printed(/server.*src\/domain\/users\.ts\(\d+,\d+\): error TS\d+/s, printed);

    expect(faults).toEqual([]);
    await context.close();
  });
});
