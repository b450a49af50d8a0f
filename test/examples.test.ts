// Runs the examples of examples/ against a real server: each signs in, reads the user, tells a refused sign-in from other
// errors, refreshes an expired access token, and watches the user's sessions, in its own runtime.

import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, inject, onTestFailed, test } from "vitest";
import type { Config } from "../packages/server/src/config.ts";
import { john, signInAs, startTestServer, testClock, testSource } from "../packages/server/src/testing.ts";
import { launchBrowser, skippedWithoutBrowser } from "../packages/server/test/chromium.ts";
import { openExamples, pages, programs } from "./example-projects.ts";
import { freePort, type Program } from "./processes.ts";

/** Those that `.ci/run` runs. `TEST_EXAMPLES` names others, separated by commas, or `all`. */
const quick = ["next", "node", "sveltekit", "vue"];
const named = process.env["TEST_EXAMPLES"];
const isAsked = (name: string) => named === "all" || (named?.split(",") ?? quick).includes(name);
// Type checks of Vue and Svelte take longer than everything else. The build of Next includes one.
const checkTypes = named !== undefined;

/** Installs and builds take minutes on a slow machine. */
const installTimeoutMs = 1_500_000;

let examples: Awaited<ReturnType<typeof openExamples>>;
beforeAll(async () => {
  examples = await openExamples();
});
afterAll(() => examples?.[Symbol.asyncDispose]());

/** A server for one example, and what happens elsewhere while the example runs. */
const startServer = async (config: Partial<Config> = {}) => {
  const clock = testClock();
  const server = await startTestServer({ config, now: clock.now });
  const userId = (await signInAs(server)).user.id;
  return {
    url: server.url,
    /** Until the access token has expired, and a refresh of the session is due. */
    passTime: () => clock.advanceSeconds(3600),
    rename: (fullName: string) => server.domain.accounts.update(userId, { fullName }, testSource),
    signInElsewhere: () => signInAs(server),
    revokeSessions: () => server.domain.sessions.endAllOf(userId, "revoked", testSource),
    [Symbol.asyncDispose]: server.close,
  };
};

const printOnFailure = (program: Program) =>
  onTestFailed(() => {
    process.stderr.write(program.output());
  });

const wrong = "The username or the password is wrong.";

describe.each(programs.filter(isAsked))("the program of examples/%s", (name) => {
  const settings = { API_USERNAME: john.username, API_PASSWORD: john.password };

  let project: Awaited<ReturnType<typeof examples.install>>;
  beforeAll(async () => {
    project = await examples.install(name, { checkTypes });
  }, installTimeoutMs);

  test("tells a wrong password from other errors", async () => {
    await using server = await startServer();
    await using program = project.start({ ...settings, API_URL: server.url, API_PASSWORD: "wrong" });
    expect(await program.exited).toBe(1);
    expect(program.output()).toContain(wrong);
  });

  test("reads the user, watches their sessions with an expired token, and ends with its session", async () => {
    await using server = await startServer();
    await using program = project.start({ ...settings, API_URL: server.url });
    printOnFailure(program);
    await program.printed(`Signed in: ${john.fullName}`);
    await program.printed("watching: ");

    server.passTime();
    await server.rename("Johnny");
    await server.signInElsewhere();
    await program.printed("signed_in: Johnny");

    await server.revokeSessions();
    await program.printed("Signed out: revoked");
    expect(await program.exited).toBe(0);
    expect(program.output()).not.toContain("TRPCClientError");
  });
});

const withPages = Object.entries(pages).filter(([name]) => isAsked(name));

describe.skipIf(skippedWithoutBrowser("the examples with pages")).each(withPages)(
  "the page of examples/%s",
  (name, { args = () => [], rendered, foreign = false, ready }) => {
    let browser: Awaited<ReturnType<typeof launchBrowser>>;
    let project: Awaited<ReturnType<typeof examples.install>>;
    let ports: { readonly page: number; readonly api: number };
    let apiUrl: string;
    beforeAll(async () => {
      ports = { page: await freePort(), api: await freePort() };
      apiUrl = `http://127.0.0.1:${ports.api}`;
      const settings = { API_URL: apiUrl, EXPO_PUBLIC_API_URL: apiUrl };
      project = await examples.install(name, { settings, checkTypes });
      browser = await launchBrowser();
    }, installTimeoutMs);
    afterAll(() => browser?.close());

    test("signs in, reads the user, watches their sessions, and refreshes an expired token", async () => {
      const url = `http://localhost:${ports.page}`;
      await using server = await startServer({
        port: ports.api,
        ...(foreign ? { publicUrl: apiUrl, allowedOrigins: [url] } : { publicUrl: url }),
      });
      await using program = project.start({ API_URL: apiUrl, PORT: String(ports.page) }, ...args(ports.page, apiUrl));
      printOnFailure(program);
      await answers(url, program);
      const page = await browser.newPage();
      page.setDefaultTimeout(inject("patienceMs"));
      const faults: string[] = [];
      page.on("pageerror", (error) => faults.push(String(error)));
      await page.goto(url);
      if (ready !== undefined) await page.waitForFunction(ready);

      const signIn = async (password: string) => {
        await page.getByLabel("Username").fill(john.username);
        await page.getByLabel("Password").fill(password);
        await page.getByRole("button", { name: "Sign in" }).click();
      };
      await signIn("wrong");
      await page.getByRole("alert").getByText(wrong).waitFor();
      await signIn(john.password);
      await page.getByRole("heading", { name: john.fullName }).waitFor();

      const events = page.getByRole("list", { name: "Changes of your sessions" });
      await events.getByText("watching").waitFor();
      await server.signInElsewhere();
      await events.getByText("signed_in").waitFor();

      server.passTime();
      await server.rename("Johnny");
      if (rendered) {
        expect(await (await page.request.get(url)).text()).toContain("Johnny");
        await page.reload();
        await events.getByText("watching").waitFor();
      } else await page.getByRole("button", { name: "Read again" }).click();
      await page.getByRole("heading", { name: "Johnny" }).waitFor();

      await server.revokeSessions();
      await page.getByRole("heading", { name: "Sign in" }).waitFor();
      await signIn(john.password);
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.getByRole("heading", { name: "Sign in" }).waitFor();
      expect(faults).toEqual([]);
      await page.close();
    });
  },
);

/** Waits until a program answers at `url`. @throws Error with its output when it ends before */
const answers = async (url: string, program: Program) => {
  let ended = false;
  void program.exited.then(() => {
    ended = true;
  });
  const ok = () =>
    fetch(url, { headers: { accept: "text/html" } }).then(
      (response) => response.ok,
      () => false,
    );
  while (!(await ok())) {
    if (ended) throw new Error(`It ended before it answered:\n${program.output()}`);
    await wait(100);
  }
};
