// Opens the pages of the built app in both colour schemes, at the widths of a computer and of a phone. Takes a picture of
// each, and prints findings of Axe, pages that scroll sideways, keyboard focus that cannot be seen, gets stuck, or does not
// return from a dialog that Escape closes, and errors. Not a test:
// `node apps/web/test/walk.ts FOLDER`, with a part of the names of pages to see some of them.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import AxeBuilder from "@axe-core/playwright";
import { launchBrowser } from "@lockstep/server/browser-testing";
import { john, testSource } from "@lockstep/server/testing";
import { initiateDeviceAuthorization } from "openid-client";
import { TOTP } from "otpauth";
import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";

import { idOf, north, startClient, startServer } from "./client.ts";
import { addAuthenticator } from "./virtual-authenticator.ts";

const [folder = "screenshots", wanted = ""] = process.argv.slice(2);
const longName = "Maximiliane Wolfeschlegelsteinhausenbergerdorff-Featherstonehaugh";
const newPassword = "a heron stands in the shallow river";

const start = async () => {
  const server = await startServer({
    config: { signInCode: true, providers: [north, { ...north, name: "south", label: "South" }] },
  });
  const web = await startClient(server);
  const other = { name: "The Quite Long Name Of An App That Prints Pictures", scopes: ["profile:read" as const] };
  const unverified = await startClient(server, { ...other, verified: false });
  const native = await startClient(server, { kind: "native", redirectUris: ["http://127.0.0.1/callback"] });
  const code = async (address: string) => {
    for (;;) {
      const mail = (await server.mails()).find(({ to, text }) => to === address && /\b[A-Z]{4}-[A-Z]{4}\b/.test(text));
      if (mail)
        return {
          code: /\b[A-Z]{4}-[A-Z]{4}\b/.exec(mail.text)?.[0] ?? "",
          path: /\/proof#[\w-]+/.exec(mail.text)?.[0] ?? "",
        };
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  return { ...server, web, unverified, nativeApp: native, code };
};

type Server = Awaited<ReturnType<typeof start>>;
type Shoot = (name: string) => Promise<void>;

const say = (text: string) => process.stdout.write(`${text}\n`);
const press = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).click();
const title = (page: Page, name: string) => page.getByRole("heading", { level: 1, name }).waitFor();

const signIn = async (page: Page, password: string = john.password) => {
  await page.getByLabel("Username or e-mail address").fill(john.username);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await press(page, "Sign in");
};

/** Takes a picture of the dialog, closes it by Escape, and says if the focus does not return to the button. */
const shootDialog = async (page: Page, name: string, shoot: Shoot, opener: Locator) => {
  await opener.focus();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await shoot(name);
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  if (!(await opener.evaluate((element) => element === document.activeElement)))
    say(`${name}: the focus does not return from the dialog`);
};

/** Second factors, from the first to the loss of all of them. */
const factors = async (page: Page, server: Server, shoot: Shoot) => {
  const button = (name: string) => page.getByRole("button", { name, exact: true });
  const userId = await idOf(server);
  const age = () => server.db.updateTable("sessions").set({ authenticated_at: 0, factors: null }).execute();
  await page.addInitScript(() => {
    PublicKeyCredential.isConditionalMediationAvailable = async () => false;
  });
  await page.goto("/");
  await signIn(page);
  await page.getByLabel("Full name").waitFor();
  await page.goto((await server.web.begin({ acr_values: "phr" })).url);
  await page.getByText("Add a passkey to your account").waitFor();
  await shoot("factors-consent-missing");
  await page.goto("/second-factors");
  await page.getByText("No passkey yet.").waitFor();
  await shoot("factors-none");
  await button("Add a passkey").click();
  await page.getByText("Your browser asks where to keep it").waitFor();
  await shoot("factors-add-passkey");
  await addAuthenticator(page, { isUserVerified: false });
  await button("Add").click();
  await page.getByText("No passkey was made.").waitFor();
  await shoot("factors-add-passkey-problem");
  await button("Cancel").click();
  const authenticator = await addAuthenticator(page, { isSecurityKey: true });
  await button("Add a passkey").click();
  await page.getByRole("textbox", { name: "Name" }).fill("The blue key with the long name on my keyring");
  await button("Add").click();
  await page.getByText(/^Added just now/).waitFor();
  await button("Add an authenticator app").click();
  const totp = new TOTP({ secret: (await page.locator("code").textContent()) ?? "" });
  await page.getByLabel("Code that the app shows").fill("000000");
  await button("Add").click();
  await page.getByText("This code does not work.").waitFor();
  await shoot("factors-add-app");
  await page.getByLabel("Code that the app shows").fill(totp.generate());
  await button("Add").click();
  await button("Rename Authenticator app").waitFor();
  await page.getByText("You have no recovery codes.").waitFor();
  await shoot("factors");
  await button("Make recovery codes").click();
  await page.getByRole("link", { name: "Download" }).waitFor();
  await shoot("factors-codes");
  const [code = ""] = await page.getByRole("region", { name: "Recovery codes" }).locator("code").allTextContents();
  await button("I have kept them").click();
  await button("Rename Authenticator app").click();
  await shoot("factors-rename");
  await button("Cancel").click();
  await shootDialog(page, "factors-remove-dialog", shoot, button("Remove Authenticator app"));
  await age();
  await shootDialog(page, "factors-step-up-dialog", shoot, button("Make new codes"));
  await page.goto((await server.web.begin({ acr_values: "2fa", max_age: "0" })).url);
  await page.getByText("Printshop asks you to confirm that it is you.").waitFor();
  await shoot("factors-consent-step-up");

  await server.domain.factors.requestReset(userId, testSource);
  await page.goto("/security");
  await button("Stop the removal").waitFor();
  await page.getByText("2 are set up.").waitFor();
  await shoot("factors-reset");
  await shootDialog(page, "factors-reset-dialog", shoot, button("Stop the removal"));

  await page.goto("/");
  const menu = button("Menu");
  if (await menu.isVisible()) await menu.click();
  await press(page, "Sign out");
  await title(page, "Sign in");
  await signIn(page);
  await button("Continue with a passkey").waitFor();
  await shoot("factors-sign-in-passkey");
  await authenticator.remove();
  await button("Use an authenticator app").click();
  await page.getByLabel("Code of your authenticator app").fill("000000");
  await button("Continue").click();
  await page.getByText("This code does not work.").waitFor();
  await shoot("factors-sign-in-app");
  await button("Use a recovery code").click();
  await shoot("factors-sign-in-recovery-code");
  await page.getByLabel("Recovery code").fill(code);
  await page.getByLabel("Do not ask on this device for a while").check();
  await button("Continue").click();
  await page.getByLabel("Full name").waitFor();
  await page.goto("/second-factors");
  await page.getByText("9 codes are left.").waitFor();
  await shoot("factors-trusted-device");

  await server.domain.factors.reset(userId, testSource);
  await server.domain.factors.require(userId, true, testSource);
  await page.goto("/sign-in");
  await signIn(page);
  await page.getByRole("heading", { name: "Protect your account" }).waitFor();
  await shoot("factors-required");
};

const signedOut = async (page: Page, server: Server, shoot: Shoot) => {
  await page.goto("/sign-in?problem=account_exists&provider=north");
  await title(page, "Sign in");
  await page.getByText("You already have an account here").waitFor();
  await shoot("sign-in-problem");
  await page.goto("/");
  await title(page, "Sign in");
  await page.getByRole("link", { name: "Continue with South" }).waitFor();
  await shoot("sign-in");
  await press(page, "Sign in");
  await shoot("sign-in-empty");
  await signIn(page, "wrong");
  await page.getByRole("alert").waitFor();
  await shoot("sign-in-wrong");

  await page.goto("/sign-up");
  await title(page, "Create your account");
  await shoot("sign-up");
  await page.getByLabel("E-mail address").fill("jane@example.com");
  await press(page, "Send a code");
  await title(page, "Check your mail");
  await shoot("sign-up-code");
  const { code, path } = await server.code("jane@example.com");
  await page.getByLabel("Code").fill("BCDF-GHJK");
  await press(page, "Continue");
  await page.getByText("This code is wrong").waitFor();
  await shoot("sign-up-code-wrong");
  await page.getByLabel("Code").fill(code);
  await press(page, "Continue");
  await title(page, "Your account");
  await page.getByLabel("Full name").fill(longName);
  await page.getByLabel("Password", { exact: true }).fill("password");
  await page.getByText("Too short").waitFor();
  await shoot("sign-up-details");
  await page.getByLabel("Username").fill("john");
  await page.getByLabel("Password", { exact: true }).fill(newPassword);
  await press(page, "Create account");
  await page.getByText("Use john").waitFor();
  await shoot("sign-up-username");

  const elsewhere = await page.context().browser()?.newContext({ baseURL: server.url });
  const other = await elsewhere?.newPage();
  await other?.goto(path);
  await other?.getByRole("heading", { level: 1 }).waitFor();
  await elsewhere?.close();
  await page.context().clearCookies();
  await page.goto(path);
  await page.getByText("in another browser").first().waitFor();
  await shoot("proof-elsewhere");
  await page.goto("/proof");
  await title(page, "Open the link in the mail again");
  await shoot("proof-cut");
  await page.goto(`/proof#${"x".repeat(43)}`);
  await page.getByRole("heading", { level: 1 }).waitFor();
  await shoot("proof-expired");

  await page.goto("/recover");
  await title(page, "Recover your account");
  await shoot("recover");
  await page.getByLabel("Username or e-mail address").fill("john");
  await press(page, "Send a code");
  await title(page, "Check your mail");
  await page.getByLabel("Code").fill((await server.code(john.email)).code);
  await press(page, "Continue");
  await title(page, "Choose a new password");
  await shoot("recover-password");
  await page.goto("/sign-in/code");
  await title(page, "Sign in with a code");
  await shoot("sign-in-code");
  await page.goto("/nowhere");
  await title(page, "Page not found");
  await shoot("not-found");
};

const signedIn = async (page: Page, server: Server, shoot: Shoot) => {
  const userId = await idOf(server);
  await page.goto("/");
  await signIn(page);
  await page.getByLabel("Full name").waitFor();
  await page.getByRole("heading", { level: 1 }).blur();
  await shoot("account");
  const menu = page.getByRole("button", { name: "Menu" });
  if (await menu.isVisible()) {
    await menu.click();
    await shoot("menu");
  }
  await page.getByLabel("Full name").fill(longName);
  await press(page, "Save changes");
  await page.getByText("Saved").waitFor();
  await shoot("account-long-name");
  await page.goto("/notes");
  await page.getByText("You have no notes yet.").waitFor();
  await shoot("notes-none");
  await page.getByLabel("Text").fill(`Buy milk.\n${"W".repeat(120)}`);
  await press(page, "Add note");
  await page.getByText("Added").waitFor();
  await shoot("notes");
  await page.getByRole("button", { name: "Delete the note" }).click();
  await page.getByRole("dialog").waitFor();
  await shoot("notes-dialog");
  await page.goto("/apps");
  await page.getByText("None.").waitFor();
  await shoot("apps-none");
  await page.goto("/linked-accounts");
  await page.getByText("You can link").waitFor();
  await shoot("linked-accounts-none");

  for (const [app, name] of [
    [server.unverified, "consent-unverified"],
    [server.web, "consent"],
  ] as const) {
    const { url } = await app.begin({ scope: "openid profile:read" });
    await page.goto(url);
    await page.getByRole("button", { name: "Allow" }).waitFor();
    await shoot(name);
    await press(page, "Allow");
    await page.getByRole("heading", { name: "Back at Printshop" }).waitFor();
  }
  await page.goto((await server.web.begin({ scope: "openid profile:read profile:write notes:read" })).url);
  await page.getByRole("button", { name: "Allow" }).waitFor();
  await shoot("consent-more");
  await page.goto((await server.web.begin({ prompt: "login" })).url);
  await page.getByRole("heading", { level: 1 }).waitFor();
  await page.getByRole("button", { name: "Continue", exact: true }).waitFor();
  await shoot("consent-sign-in-again");
  await page.goto("/apps");
  await page.getByRole("heading", { name: "Printshop" }).waitFor();
  await shoot("apps");
  await page.getByRole("button", { name: "End access of Printshop" }).click();
  await page.getByRole("dialog").waitFor();
  await shoot("apps-dialog");

  await server.domain.identities.link(
    userId,
    "north",
    {
      issuer: north.issuer,
      subject: "j",
      email: "john.featherstonehaugh.of.the.long.address@example.org",
      emailVerified: false,
      fullName: null,
      username: null,
    },
    testSource,
  );
  await page.goto("/linked-accounts");
  await page.getByRole("button", { name: "Unlink North" }).waitFor();
  await shoot("linked-accounts");
  await page.goto("/security");
  await page.getByText("2 apps have access.").waitFor();
  await shoot("security");
  await server.db.updateTable("users").set({ email_proof: null }).execute();
  await page.goto("/email");
  await page.getByText("Not verified").waitFor();
  await shoot("email-unverified");
  await page.goto("/security");
  await page.getByText("Not verified").waitFor();
  await page.getByText("2 apps have access.").waitFor();
  await shoot("security-unverified");
  await server.db.updateTable("users").set({ email_proof: "mail" }).execute();
  await page.goto("/email");
  await page.getByText("Verified", { exact: true }).waitFor();
  await shoot("email");
  await press(page, "Remove the address");
  await page.getByRole("dialog").waitFor();
  await shoot("email-dialog");
  await press(page, "Cancel");
  await page.getByLabel("New e-mail address").fill("jane@example.org");
  await server.db.updateTable("sessions").set({ authenticated_at: 0, factors: null }).execute();
  await press(page, "Send a code");
  await page.getByRole("dialog").waitFor();
  await shoot("reauthentication-dialog");
  await page.getByLabel("Your password", { exact: true }).fill(john.password);
  await press(page, "Continue");
  await title(page, "Check your mail");
  await shoot("email-code");
  await page.getByLabel("Code").fill((await server.code("jane@example.org")).code);
  await press(page, "Use this address");
  await page.getByText("The address of your account is jane@example.org.").waitFor();
  await shoot("email-changed");
  await page.goto("/your-data");
  await title(page, "Your data");
  await page.getByRole("button", { name: "Delete the account" }).waitFor();
  await shoot("your-data");
  await press(page, "Delete the account");
  await page.getByRole("dialog").waitFor();
  await shoot("your-data-dialog");
  await page.goto("/password");
  await page.getByLabel("Current password", { exact: true }).waitFor();
  await shoot("password");
  await page.getByLabel("Current password", { exact: true }).fill("wrong");
  await page.getByLabel("New password", { exact: true }).fill("aaaaaaaaaaaaaaaaaaaa");
  await page.getByText("Easy to guess").waitFor();
  await shoot("password-weak");
  for (let session = 0; session < 2; session++) {
    await server.domain.signIn.withPassword({
      login: { username: john.username, password: john.password },
      deviceToken: null,
      source: {
        address: "2001:db8:85a3:1234:5678:8a2e:370:7334",
        userAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile/15E148 Safari/604.1",
        requestId: null,
      },
    });
  }
  await page.goto("/sessions");
  await page.getByRole("button", { name: "End all others" }).waitFor();
  await page.getByRole("button", { name: /^Show \d+ more/ }).waitFor();
  await shoot("sessions");
  await press(page, "End all others");
  await page.getByRole("dialog").waitFor();
  await shoot("sessions-dialog");

  await page.goto("/developer");
  await page.getByRole("link", { name: "Register an app" }).waitFor();
  await page.getByText("Not verified").waitFor();
  await shoot("developer");
  await page.goto("/developer/register");
  await press(page, "Register");
  await page.getByText("Enter a name").waitFor();
  await shoot("developer-register");
  await page.goto(`/developer/${server.unverified.client.id}`);
  await page.getByRole("heading", { level: 1, name: "The Quite Long" }).waitFor();
  await shoot("developer-app");
  await page.getByRole("button", { name: /^Delete/ }).click();
  await page.getByRole("dialog").waitFor();
  await shoot("developer-app-dialog");

  const device = await initiateDeviceAuthorization(server.nativeApp.config, { scope: "openid profile:read" });
  await page.goto("/device");
  await title(page, "Connect a device");
  await shoot("device");
  await press(page, "Continue");
  await page.getByText("Enter the code that your device shows", { exact: true }).waitFor();
  await shoot("device-problem");
  await page.goto(device.verification_uri_complete ?? "");
  await title(page, "Does your device show this code?");
  await shoot("device-confirm");
  await press(page, "It does, continue");
  await page.getByRole("button", { name: "Allow" }).waitFor();
  await shoot("consent-device");
  await press(page, "Allow");
  await title(page, "You can go back to your device");
  await shoot("device-done");
  await page.goto("/authorize?client_id=nobody");
  await title(page, "This request cannot be answered");
  await shoot("error");
  await page.goto("/interaction/unknown");
  await title(page, "This request is no longer open");
  await shoot("consent-over");
  await page.goto("/logout");
  await page.getByRole("heading", { level: 1 }).waitFor();
  await shoot("sign-out");
  await page.goto("/logout/success");
  await page.getByRole("heading", { level: 1 }).waitFor();
  await shoot("signed-out");
};

/** Presses Tab through the page. Says where the focus cannot be seen, or leaves a dialog. Returns how many stops it has. */
const tabThrough = async (page: Page, name: string) => {
  const start = await page.evaluateHandle(() => document.activeElement);
  const seen = new Set<string>();
  let presses = 0;
  for (; presses < 100; presses++) {
    await page.keyboard.press("Tab");
    const stop = await page.evaluate(() => {
      const element = document.activeElement;
      if (!element || element === document.body) return null;
      const around = [element, element.parentElement, element.parentElement?.parentElement];
      const outlined = around.some((each) => each && getComputedStyle(each).outlineStyle !== "none");
      const dialog = document.querySelector("dialog[open]");
      const all = [...document.querySelectorAll("*")];
      return {
        place: String(all.indexOf(element)),
        html: element.outerHTML.slice(0, 100),
        outlined,
        outside: dialog !== null && !dialog.contains(element),
      };
    });
    if (stop === null) continue;
    if (seen.has(stop.place)) break;
    seen.add(stop.place);
    if (!stop.outlined) say(`${name}: no visible focus: ${stop.html}`);
    if (stop.outside) say(`${name}: the focus leaves the dialog: ${stop.html}`);
  }
  if (presses === 100) say(`${name}: the focus goes round without an end`);
  await start.evaluate((element) => element instanceof HTMLElement && element.focus());
  return seen.size;
};

const walk = async (browser: Browser, look: string, options: BrowserContextOptions) => {
  const server = await start();
  const context = await browser.newContext({ baseURL: server.url, reducedMotion: "reduce", ...options });
  context.setDefaultTimeout(20_000);
  context.on("weberror", (error) => say(`${look}: ${error.error()}`));
  const page = await context.newPage();
  const shoot = async (name: string) => {
    if (!name.includes(wanted)) return;
    await page.screenshot({ path: join(folder, `${name}.${look}.png`), fullPage: true });
    const { violations } = await new AxeBuilder({ page }).setLegacyMode(true).analyze();
    for (const { id, impact, nodes } of violations)
      say(`${name}.${look}: ${id} (${impact}) ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`);
    const sideways = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    await tabThrough(page, `${name}.${look}`);
    if (sideways > 0) say(`${name}.${look}: scrolls sideways by ${sideways} px`);
  };
  try {
    // By a part of the names of their pictures, each can be seen alone.
    if (!wanted.startsWith("factors")) {
      await signedOut(page, server, shoot);
      await signedIn(page, server, shoot);
      await context.clearCookies();
    }
    await factors(page, server, shoot);
  } catch (error) {
    await page.screenshot({ path: join(folder, `failed.${look}.png`), fullPage: true });
    say(`${look}: stopped at ${page.url()}: ${error}`);
  } finally {
    await context.close();
    for (const app of [server.web, server.unverified, server.nativeApp]) await app[Symbol.asyncDispose]();
    await server.close();
  }
};

await mkdir(folder, { recursive: true });
const browser = await launchBrowser();
try {
  for (const colorScheme of ["light", "dark"] as const) {
    await walk(browser, colorScheme, { viewport: { width: 1280, height: 800 }, colorScheme });
    await walk(browser, `phone-${colorScheme}`, { viewport: { width: 390, height: 844 }, colorScheme });
  }
} finally {
  await browser.close();
}
