// Registering a client in a browser: the forms, the issued credentials, and whether the code to start with works.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type RequestListener, request } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { discover } from "@lockstep/server/authorization-server-testing";
import { john, testClock, testSource } from "@lockstep/server/testing";
import * as client from "openid-client";
import type { Page } from "playwright-core";
import { build, type Rolldown } from "vite";
import { describe, expect, test } from "vitest";
import { describeInBrowser } from "./browser.ts";
import { idOf, startServer } from "./client.ts";
import { button, eventually, expectAccessible, focusedText, heading, openPage, pathOf, visitsBy } from "./visitor.ts";

describeInBrowser("the developer's pages", (browser) => {
  const { visitSignedIn } = visitsBy(browser, startServer);

  const visitDeveloper = async (options: Parameters<typeof visitSignedIn>[0] = {}) => {
    const visitor = await visitSignedIn(options);
    await openPage(visitor.page, "Developer");
    await heading(visitor.page, "Developer").waitFor();
    return visitor;
  };

  const box = (page: Page, name: string) => page.getByRole("textbox", { name });

  const register = async (page: Page, kind: string, redirectUri?: string) => {
    await page.getByRole("link", { name: "Register an app" }).click();
    await page.getByRole("radio", { name: kind }).check();
    await box(page, "Name").fill("Printshop");
    if (redirectUri !== undefined) await box(page, "Redirect addresses").fill(redirectUri);
    await button(page, "Register").click();
    await heading(page, "Printshop").waitFor();
  };

  /** The text beside a label on the page of a client. */
  const value = (page: Page, label: string) =>
    page.locator("dl > div", { has: page.getByText(label, { exact: true }) }).locator("code");

  const web = "An app with a server";
  const native = "An app on a phone, a computer or a terminal";

  test("register an app, and show its secret once", async () => {
    await using visitor = await visitDeveloper({ permissions: ["clipboard-read", "clipboard-write"] });
    const { page, server } = visitor;
    await page.getByText("None yet.").waitFor();
    await register(page, web, "https://printshop.example/callback");

    const id = (await value(page, "Client ID").textContent()) ?? "";
    const secret = (await value(page, "Client secret").textContent()) ?? "";
    expect(pathOf(page)).toBe(`/developer/${id}`);
    expect(await value(page, "Issuer").textContent()).toBe(server.config.publicUrl);
    await page.getByText("Copy the secret now").waitFor();
    expect(await server.domain.clients.list({ userId: await idOf(server) })).toMatchObject([
      { id, name: "Printshop", kind: "web", redirectUris: ["https://printshop.example/callback"], verified: false },
    ]);

    await button(page, "Copy the client secret").click();
    await page.getByRole("status").getByText("Copied").waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(secret);

    await page.getByRole("link", { name: "All your apps" }).click();
    await page.getByRole("link", { name: "Printshop" }).click();
    await heading(page, "Printshop").waitFor();
    expect(await value(page, "Client secret").count()).toBe(0);
    await page.reload();
    await page.getByText("The client secret was shown once, when it was created.").waitFor();
    expect(await page.getByText(secret).count()).toBe(0);
  });

  test("show no secret for an app that cannot keep one, and no redirect field for a service", async () => {
    await using visitor = await visitDeveloper();
    const { page } = visitor;
    await register(page, native, "http://127.0.0.1/callback");
    await value(page, "Client ID").waitFor();
    expect(await value(page, "Client secret").count()).toBe(0);
    expect(await page.getByRole("button", { name: "Create a new secret" }).count()).toBe(0);

    await page.getByRole("link", { name: "All your apps" }).click();
    await page.getByRole("link", { name: "Register an app" }).click();
    await box(page, "Redirect addresses").fill("https://left.example/over");
    await page.getByRole("radio", { name: "A service that acts for itself" }).check();
    expect(await box(page, "Redirect addresses").count()).toBe(0);
    await box(page, "Name").fill("Nightly report");
    await button(page, "Register").click();
    await heading(page, "Nightly report").waitFor();
    await value(page, "Client secret").waitFor();
  });

  test("validate input with the contract's schema, without a request", async () => {
    await using visitor = await visitDeveloper();
    const { page } = visitor;
    await page.getByRole("link", { name: "Register an app" }).click();
    const calls: string[] = [];
    page.on("request", (request) => {
      if (request.url().includes("client.register")) calls.push(request.url());
    });
    await button(page, "Register").click();
    await page.getByText("Enter a name").waitFor();
    await page.getByText("Enter a redirect URI").waitFor();
    await eventually(() => box(page, "Name").evaluate((input) => input === document.activeElement), true);
    await box(page, "Name").fill("Printshop");
    await box(page, "Redirect addresses").fill("https://printshop.example/callback\nhttp://printshop.example/");
    await button(page, "Register").click();
    await page.getByText("No. 2: Must begin with https://").waitFor();
    expect(await box(page, "Redirect addresses").getAttribute("aria-invalid")).toBe("true");
    await eventually(() => box(page, "Redirect addresses").evaluate((area) => area === document.activeElement), true);
    expect(calls).toEqual([]);
  });

  test("save a change, and keep settings that the form does not show", async () => {
    await using visitor = await visitDeveloper();
    const { page, server } = visitor;
    await register(page, web, "https://printshop.example/callback");
    const owner = { userId: await idOf(server) };
    const [before] = await server.domain.clients.list(owner);
    if (!before) throw new Error("Nothing was registered");
    const { id, verified: _, createdAt: __, ...registered } = before;
    await server.domain.clients.update(id, { ...registered, requirePushedRequests: true }, owner, testSource);

    await page.reload();
    await box(page, "Name").fill("Print shop");
    await page.getByRole("checkbox", { name: "Read your notes" }).check();
    await button(page, "Save changes").click();
    await page.getByRole("status").getByText("Saved").waitFor();
    await heading(page, "Print shop").waitFor();
    expect(await server.domain.clients.list(owner)).toEqual([
      {
        ...before,
        name: "Print shop",
        scopes: ["profile:read", "notes:read"],
        requirePushedRequests: true,
      },
    ]);
  });

  test("create a new secret after reauthentication, which replaces the previous one", async () => {
    const clock = testClock();
    await using visitor = await visitDeveloper({ server: { now: clock.now } });
    const { page, server } = visitor;
    await register(page, web, "https://printshop.example/callback");
    const id = (await value(page, "Client ID").textContent()) ?? "";
    const secret = (await value(page, "Client secret").textContent()) ?? "";
    clock.advanceSeconds(16 * 60);
    await page.reload();
    await button(page, "Create a new secret").click();
    const dialog = page.getByRole("dialog", { name: "Create a new secret?" });
    await dialog.getByRole("button", { name: "Create a new secret" }).click();
    const again = page.getByRole("dialog", { name: "Enter your password again" });
    await again.getByLabel("Your password", { exact: true }).fill(john.password);
    await again.getByRole("button", { name: "Continue" }).click();
    await value(page, "Client secret").waitFor();
    expect(await page.getByRole("dialog").count()).toBe(0);
    await eventually(() => focusedText(page).then((text) => text?.startsWith("Copy the secret now")), true);

    const next = (await value(page, "Client secret").textContent()) ?? "";
    expect(next).not.toBe(secret);
    const errorOf = async (shown: string) => {
      const config = await discover(server, id, shown);
      try {
        await client.refreshTokenGrant(config, "nonsense");
      } catch (error) {
        return (error as client.ResponseBodyError).error;
      }
    };
    expect([await errorOf(secret), await errorOf(next)]).toEqual(["invalid_client", "invalid_grant"]);
  });

  test("delete an app after a confirmation", async () => {
    await using visitor = await visitDeveloper();
    const { page, server } = visitor;
    await register(page, web, "https://printshop.example/callback");
    await button(page, "Delete Printshop").click();
    const dialog = page.getByRole("dialog", { name: "Delete Printshop?" });
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await button(page, "Delete Printshop").click();
    await dialog.getByRole("button", { name: "Delete" }).click();
    await heading(page, "Developer").waitFor();
    await page.getByRole("status").getByText("Printshop was deleted.").waitFor();
    expect(await page.getByRole("listitem").count()).toBe(0);
    expect(await server.domain.clients.list({ userId: await idOf(server) })).toEqual([]);
  });

  test("do not exist for another developer's app", async () => {
    await using visitor = await visitDeveloper();
    const { page } = visitor;
    await page.goto("/developer/lockstep-cli");
    await heading(page, "Page not found").waitFor();
  });

  describe("the code to start with", () => {
    const codeOf = async (page: Page) =>
      (await page.getByRole("region", { name: "Code", exact: true }).textContent()) ?? "";

    /** Writes files where their imports resolve; `await using` removes them. */
    const write = async (files: Record<string, string>) => {
      const cache = join(import.meta.dirname, "../node_modules/.cache");
      await mkdir(cache, { recursive: true });
      const directory = await mkdtemp(join(cache, "code-to-paste-"));
      for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
      return { directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) };
    };

    /** Runs a program; `await using` ends it. */
    const run = async (code: string, env: Record<string, string> = {}) => {
      const files = await write({ "app.mjs": code });
      const program = spawn(process.execPath, ["app.mjs"], {
        cwd: files.directory,
        env: { ...process.env, ...env },
        stdio: ["ignore", "pipe", "inherit"],
      });
      const exited = once(program, "exit");
      return {
        directory: files.directory,
        lines: createInterface({ input: program.stdout })[Symbol.asyncIterator](),
        async [Symbol.asyncDispose]() {
          program.kill();
          await exited;
          await files[Symbol.asyncDispose]();
        },
      };
    };

    /** An address of this machine whose server is added later; `await using` closes it. */
    const openAddress = async () => {
      let answer: RequestListener = (_request, response) => response.writeHead(503).end();
      const server = createServer((...call) => answer(...call)).listen(0, "localhost");
      await once(server, "listening");
      return {
        origin: `http://localhost:${(server.address() as AddressInfo).port}`,
        answerWith(next: RequestListener) {
          answer = next;
        },
        async [Symbol.asyncDispose]() {
          server.closeAllConnections();
          server.close();
          await once(server, "close");
        },
      };
    };

    test("of a web app signs a user in, and calls the API", async () => {
      await using visitor = await visitDeveloper();
      const { page } = visitor;
      await using address = await openAddress();
      await register(page, web, `${address.origin}/callback`);
      const secret = (await value(page, "Client secret").textContent()) ?? "";
      // Behind a proxy, as in production. Another process could take a port of its own.
      await using running = await run(await codeOf(page), { CLIENT_SECRET: secret, PORT: "app.sock" });
      address.answerWith((incoming, outgoing) => {
        const { method, url: path, headers } = incoming;
        request({ socketPath: join(running.directory, "app.sock"), method, path, headers }, (answer) => {
          outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(outgoing);
        }).end();
      });
      const { value: line } = await running.lines.next();
      expect(line).toBe(`Open ${address.origin}/`);
      await page.goto(address.origin);
      await button(page, "Allow").click();
      await page.waitForURL(`${address.origin}/callback?*`);
      expect(JSON.parse((await page.locator("body").textContent()) ?? "")).toMatchObject({ username: john.username });
    });

    test("of a terminal app signs a user in, and calls the API", async () => {
      await using visitor = await visitDeveloper();
      const { page } = visitor;
      await register(page, native, "http://127.0.0.1/callback");
      await using running = await run(await codeOf(page));
      const { value: line } = await running.lines.next();
      await page.goto(String(line).replace("Open ", ""));
      await button(page, "Allow").click();
      await page.getByText("You can close this page.").waitFor();
      let rest = "";
      for await (const line of running.lines) rest += line;
      expect(rest).toContain(`username: '${john.username}'`);
    });

    test("of an app in the browser signs a user in, and calls the API", async () => {
      await using visitor = await visitDeveloper();
      const { page } = visitor;
      await using address = await openAddress();
      await register(page, "An app that runs in the browser", `${address.origin}/`);
      await using files = await write({
        "index.html": '<!doctype html><title>Printshop</title><body><script type="module" src="/app.mjs"></script>',
        "app.mjs": await codeOf(page),
      });
      const result = await build({
        root: files.directory,
        logLevel: "silent",
        build: { write: false, target: "esnext", modulePreload: { polyfill: false } },
      });
      const { output } = (Array.isArray(result) ? result[0] : result) as Rolldown.RolldownOutput;
      address.answerWith((request, response) => {
        const { pathname } = new URL(request.url ?? "", address.origin);
        const file = output.find(({ fileName }) => `/${fileName}` === (pathname === "/" ? "/index.html" : pathname));
        response.setHeader("content-type", file?.type === "chunk" ? "text/javascript" : "text/html");
        response.end(file?.type === "chunk" ? file.code : file?.source);
      });
      await page.goto(address.origin);
      await button(page, "Allow").click();
      await page.getByText(`"username":"${john.username}"`).waitFor();
      expect(page.url()).toBe(`${address.origin}/`);
    });

    test.skipIf(!existsSync("/usr/bin/curl"))("of a service gets a token", async () => {
      await using visitor = await visitDeveloper();
      const { page } = visitor;
      await register(page, "A service that acts for itself");
      const secret = (await value(page, "Client secret").textContent()) ?? "";
      const env = { ...process.env, CLIENT_SECRET: secret };
      const { stdout } = await promisify(execFile)("sh", ["-c", await codeOf(page)], { env });
      expect(JSON.parse(stdout)).toMatchObject({ token_type: "Bearer", scope: "profile:read" });
    });
  });

  describe.each(["light", "dark"] as const)("in %s colours", (colorScheme) => {
    test("every page is accessible (axe), and fits a phone", async () => {
      await using visitor = await visitDeveloper({ colorScheme, viewport: { width: 360, height: 640 } });
      const { page } = visitor;
      const check = async () => {
        await expectAccessible(page);
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
      };
      await check();
      await page.getByRole("link", { name: "Register an app" }).click();
      await button(page, "Register").click();
      await page.getByText("Enter a name").waitFor();
      await check();
      await openPage(page, "Developer");
      await register(page, web, "https://printshop.example/callback");
      await check();
      await button(page, "Delete Printshop").click();
      await check();
      await button(page, "Cancel").click();
      await page.getByRole("link", { name: "All your apps" }).click();
      await page.getByRole("link", { name: "Printshop" }).waitFor();
      await check();
    });
  });
});
