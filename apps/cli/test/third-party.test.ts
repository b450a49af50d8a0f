// The demo as a third-party client, in a child process: against a whole server, with a user at a browser.

import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { served } from "@app/server/testing";
import { openBrowser, startAuthorizationServer } from "@lockstep/server/authorization-server-testing";
import { describe, expect, it } from "vitest";
import { startDemo } from "./demo-process.ts";

/** A server, John signed in at his browser, and a folder in which the demo stores tokens. */
const start = async () => {
  const server = await startAuthorizationServer(served);
  const browser = openBrowser(server);
  await browser.signIn();
  const state = await mkdtemp(join(tmpdir(), "lockstep-cli-"));
  const run = (...args: string[]) => {
    const demo = startDemo(["--url", server.config.publicUrl, "--no-browser", ...args], { XDG_STATE_HOME: state });
    demo.stdin.end();
    return demo;
  };
  return {
    server,
    browser,
    state,
    run,
    /** Runs the demo; John consents, and his browser follows the redirect to the demo. */
    async signIn() {
      const demo = run();
      const back = await browser.allow(await demo.shown(/address {2}(\S+)\n/));
      const page = await fetch(back);
      return { back, page, ...(await demo.ended) };
    },
    async [Symbol.asyncDispose]() {
      await server.close();
      await rm(state, { recursive: true });
    },
  };
};
type Started = Awaited<ReturnType<typeof start>>;

const storedBy = async ({ state }: Started) => {
  const folder = join(state, "lockstep");
  const [file = "", ...others] = await readdir(folder);
  expect(others).toEqual([]);
  const path = join(folder, file);
  return { mode: ((await stat(path)).mode & 0o777).toString(8), content: JSON.parse(await readFile(path, "utf8")) };
};

const answers = `user.me, granted
  username  john
  name      John Doe
  e-mail    john@example.com
  role      user

user.update, not granted
  refused    403 INSUFFICIENT_SCOPE
`;

describe("npm run demo", () => {
  it("gets consent, calls the operation of its scope, and is refused another with the scope it lacks", async () => {
    await using app = await start();
    const { exitCode, stdout, stderr, back, page } = await app.signIn();
    expect(stderr).toBe("");
    expect(exitCode).toBe(0);
    expect(stdout).toContain("scopes   openid profile:read offline_access\n");
    expect(stdout).toContain(answers);
    expect(stdout).toContain("  needs      profile:write\n");
    expect(stdout).toMatch(/challenge {2}Bearer error="insufficient_scope", scope="profile:write"/);
    expect(back.origin).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(page.status).toBe(200);
    expect(await page.text()).toContain("Go back to the terminal");
    expect(page.headers.get("cache-control")).toBe("no-store");
    expect(page.headers.get("referrer-policy")).toBe("no-referrer");
  });

  it("requests the scopes that its client is typed by, and never a password", async () => {
    await using app = await start();
    const demo = app.run();
    const request = new URL(await demo.shown(/address {2}(\S+)\n/)).searchParams;
    expect(request.get("client_id")).toBe("lockstep-cli");
    expect(request.get("scope")).toBe("openid profile:read offline_access");
    await fetch(await app.browser.allow(await demo.shown(/address {2}(\S+)\n/)));
    expect((await demo.ended).stdout).not.toContain("assword");
  });

  it("stores the tokens of each server in a file of its own that only the user can read", async () => {
    await using app = await start();
    await app.signIn();
    const first = await storedBy(app);
    expect(first).toMatchObject({ mode: "600", content: { tokens: { refreshToken: expect.any(String) } } });
    const { exitCode, stdout } = await app.run().ended;
    expect(exitCode).toBe(0);
    expect(stdout.startsWith(answers)).toBe(true);

    await using other = await start();
    const elsewhere = startDemo(["--url", other.server.config.publicUrl, "--no-browser"], {
      XDG_STATE_HOME: app.state,
    });
    await fetch(await other.browser.allow(await elsewhere.shown(/address {2}(\S+)\n/)));
    expect((await elsewhere.ended).exitCode).toBe(0);
    expect(await readdir(join(app.state, "lockstep"))).toHaveLength(2);
  });

  it("asks for consent again when the grant was revoked", async () => {
    await using app = await start();
    await app.signIn();
    await app.browser.rpc("grant.revoke", { clientId: "lockstep-cli" });
    const { exitCode, stdout } = await app.signIn();
    expect(exitCode).toBe(0);
    expect(stdout).toContain(answers);
  });

  it("accepts no redirect but the response to its own request", async () => {
    await using app = await start();
    const demo = app.run();
    const address = await demo.shown(/address {2}(\S+)\n/);
    const redirectUri = new URL(address).searchParams.get("redirect_uri") ?? "";
    for (const query of ["", "?code=stolen&state=guessed", "?error=access_denied"]) {
      expect((await fetch(redirectUri + query)).status).toBe(404);
    }
    expect((await fetch(new URL("/elsewhere", redirectUri))).status).toBe(404);
    const { hostname, port } = new URL(redirectUri);
    for (const path of ["//", "*", `//elsewhere.example/callback`]) {
      const [response] = await once(request({ hostname, port, path }).end(), "response");
      expect((response as IncomingMessage).resume().statusCode).toBe(404);
    }
    const back = await app.browser.allow(address);
    expect((await fetch(back, { method: "POST" })).status).toBe(404);
    expect((await fetch(back)).status).toBe(200);
    expect((await demo.ended).exitCode).toBe(0);
  });

  it("exits with 1 and stores nothing when the user denies consent", async () => {
    await using app = await start();
    const demo = app.run();
    const consent = await app.browser.follow(await demo.shown(/address {2}(\S+)\n/));
    const authorizationId = app.browser.authorizationId(consent.url);
    const { data } = await app.browser.rpc("authorization.deny", { authorizationId });
    await fetch((await app.browser.follow(String(data?.["redirectTo"]))).url);
    const { exitCode, stderr } = await demo.ended;
    expect(stderr).toBe("Consent was denied. Not signed in.\n");
    expect(exitCode).toBe(1);
    expect(await app.browser.rpc("grant.list", undefined, "query")).toMatchObject({ data: [] });
  });
});

describe("npm run demo -- --device", () => {
  it("shows a code, waits for the user, and calls the API", async () => {
    await using app = await start();
    const demo = app.run("--device");
    expect(await demo.shown(/address {2}(\S+)\n/)).toBe(`${app.server.config.publicUrl}/device`);
    await app.browser.enterCode(await demo.shown(/code {5}(\S+)\n/));
    const { exitCode, stdout, stderr } = await demo.ended;
    expect(stderr).toBe("");
    expect(exitCode).toBe(0);
    expect(stdout).toContain(answers);
  });
});

describe("npm run demo -- --device, when tokens are stored", () => {
  it("starts the device flow again", async () => {
    await using app = await start();
    await app.signIn();
    const demo = app.run("--device");
    await app.browser.enterCode(await demo.shown(/code {5}(\S+)\n/));
    expect(await demo.ended).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(answers) });
  });
});

describe("npm run demo without --url", () => {
  it.each([
    ["PUBLIC_URL", (url: string) => ({ PUBLIC_URL: url, PORT: "1" })],
    ["PORT", (url: string) => ({ PUBLIC_URL: "", PORT: new URL(url).port })],
  ])("uses the server that %s names", async (_name, settings) => {
    await using app = await start();
    const env = { XDG_STATE_HOME: app.state, ...settings(app.server.config.publicUrl) };
    const demo = startDemo(["--no-browser"], env);
    await fetch(await app.browser.allow(await demo.shown(/address {2}(\S+)\n/)));
    expect((await demo.ended).exitCode).toBe(0);
  });
});

describe("npm run demo -- --sign-out", () => {
  it("revokes the grant, so that the stored tokens are refused", async () => {
    await using app = await start();
    await app.signIn();
    const { content } = await storedBy(app);
    const { exitCode, stdout } = await app.run("--sign-out").ended;
    expect(stdout).toBe("signed out\n  grant  revoked\n\n");
    expect(exitCode).toBe(0);
    expect((await storedBy(app)).content.tokens).toBeNull();
    const { status } = await fetch(`${app.server.url}/users/me`, {
      headers: { authorization: `Bearer ${content.tokens.accessToken}` },
    });
    expect(status).toBe(401);
    expect((await app.run("--sign-out").ended).stdout).toBe("signed out\n  grant  none\n\n");
  });
});

describe("npm run demo exits with 1 and a sentence", () => {
  it.each(["--no-browser", "--device"])("when no server is running (%s)", async (how) => {
    await using app = await start();
    const nobody = createServer((socket) => socket.destroy()).listen(0, "localhost");
    await once(nobody, "listening");
    const url = `http://localhost:${(nobody.address() as AddressInfo).port}`;
    const { exitCode, stderr } = await startDemo(["--url", url, how], { XDG_STATE_HOME: app.state }).ended;
    nobody.close();
    expect(stderr).toBe(`No Lockstep server answers at ${url}. Start one with \`npm start\`, then try again.\n`);
    expect(exitCode).toBe(1);
  });

  it("when the server has another issuer than its address", async () => {
    await using app = await start();
    const elsewhere = app.server.config.publicUrl.replace("localhost", "127.0.0.1");
    const { exitCode, stderr } = await startDemo(["--url", elsewhere], { XDG_STATE_HOME: app.state }).ended;
    expect(stderr).toContain(elsewhere);
    expect(stderr).toContain(app.server.config.publicUrl);
    expect(stderr).toMatch(/^[^\n]+ \(invalid_response\)\n$/);
    expect(exitCode).toBe(1);
  });
});
