import * as client from "openid-client";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { testClock } from "../testing.ts";
import {
  addPerson,
  type Browser,
  callWith,
  openBrowser,
  post,
  refusalOf,
  registerClient,
  type Server,
  shownBy,
  signedInBrowser,
  startAuthorizationServer,
} from "./testing.ts";

let server: Server;
let app: Awaited<ReturnType<typeof registerClient>>;

beforeAll(async () => {
  server = await startAuthorizationServer({ now: () => Date.now() });
  app = await registerClient(server, { kind: "native", redirectUris: ["http://127.0.0.1/callback"] });
});
afterAll(() => server.close());
afterEach(() => {
  vi.useRealTimers();
});

const scope = "openid profile:read";
const begin = () => client.initiateDeviceAuthorization(app.config, { scope });
const poll = (deviceCode: string, clientId = app.id) =>
  post(server, "/token", {
    grant_type: "urn:ietf:params:oauth:grant-type:device_code",
    device_code: deviceCode,
    client_id: clientId,
  });

const send = (browser: Browser, form: Record<string, string>) =>
  browser.follow("/device", {
    method: "POST",
    body: new URLSearchParams(form).toString(),
    headers: { "content-type": "application/x-www-form-urlencoded" },
  });

/** A person enters a code, and confirms that the device shows it. */
const enter = async (browser: Browser, userCode: string) => {
  const page = await shownBy(await browser.go("/device"));
  if (page?.page !== "device_code") throw new Error("There is no page for the code");
  const typed = await send(browser, { xsrf: page.token, user_code: userCode });
  const asked = await shownBy(typed.response);
  if (asked?.page !== "device_confirm") return { page: asked, interaction: null };
  const confirmed = await send(browser, { xsrf: asked.token, user_code: userCode, confirm: "yes" });
  return { page: asked, interaction: { authorizationId: browser.authorizationId(confirmed.url) } };
};

const signedIn = async () => {
  const browser = await signedInBrowser(server);
  return browser;
};

const decide = async (browser: Browser, decision: "approve" | "deny", interaction: { authorizationId: string }) => {
  const { data } = await browser.rpc(`authorization.${decision}`, interaction);
  return shownBy((await browser.follow(String(data?.["redirectTo"]))).response);
};

it("gives a device access when a person enters its code and allows it", async () => {
  const device = await begin();
  expect(device).toMatchObject({
    user_code: expect.stringMatching(/^[A-Z]{4}-[A-Z]{4}$/),
    verification_uri: `${server.url}/device`,
    expires_in: 600,
  });
  expect(await poll(device.device_code)).toMatchObject({ status: 400, body: { error: "authorization_pending" } });

  const browser = await signedIn();
  const { page, interaction } = await enter(browser, device.user_code.toLowerCase().replace("-", " "));
  expect(page).toMatchObject({ page: "device_confirm", userCode: device.user_code, client: { id: app.id } });
  if (!interaction) throw new Error("Nothing to decide");
  const read = await browser.rpc("authorization.read", interaction, "query");
  // The device may belong to another person: always ask (RFC 8628 §5.4).
  expect(read.data).toMatchObject({ returnsTo: null, consent: true });
  expect(await decide(browser, "approve", interaction)).toMatchObject({ page: "device_done" });

  const tokens = await client.pollDeviceAuthorizationGrant(app.config, { ...device, interval: 0 });
  expect(tokens.scope).toBe(scope);
  expect((await callWith(server, "/users/me", tokens.access_token)).status).toBe(200);
  expect(await refusalOf(client.refreshTokenGrant(app.config, tokens.refresh_token ?? ""))).toBeNull();
});

it("[S120] gives one working token pair to concurrent polls, and revokes nothing for a later one (RFC 8628 §3.4)", async () => {
  const browser = await signedIn();
  const device = await begin();
  const { interaction } = await enter(browser, device.user_code);
  await decide(browser, "approve", interaction ?? { authorizationId: "" });
  const answers = await Promise.all(Array.from({ length: 8 }, () => poll(device.device_code)));
  const [granted, ...more] = answers.filter(({ status }) => status === 200);
  expect(more).toEqual([]);
  for (const { status, body } of [...answers, await poll(device.device_code)]) {
    if (status !== 200) expect([status, body["error"]]).toEqual([400, "invalid_grant"]);
  }
  expect((await callWith(server, "/users/me", String(granted?.body["access_token"]))).status).toBe(200);
  expect(await refusalOf(client.refreshTokenGrant(app.config, String(granted?.body["refresh_token"])))).toBeNull();
});

it("[S101] answers slow_down to a device that polls too fast, but not when there is an answer (RFC 8628 §3.5)", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const browser = await signedIn();
  const device = await begin();
  const errorAfter = async (seconds: number) => {
    vi.setSystemTime(Date.now() + seconds * 1000);
    return (await poll(device.device_code)).body["error"];
  };
  const answers = [await errorAfter(0), await errorAfter(1), await errorAfter(5), await errorAfter(5)];
  expect(answers).toEqual(["authorization_pending", "slow_down", "authorization_pending", "authorization_pending"]);
  const { interaction } = await enter(browser, device.user_code);
  await decide(browser, "approve", interaction ?? { authorizationId: "" });
  expect((await poll(device.device_code)).status).toBe(200);
});

it("answers access_denied when the person refused", async () => {
  const browser = await signedIn();
  const device = await begin();
  const { interaction } = await enter(browser, device.user_code);
  expect(await decide(browser, "deny", interaction ?? { authorizationId: "" })).toMatchObject({
    page: "device_denied",
  });
  expect(await poll(device.device_code)).toMatchObject({ status: 400, body: { error: "access_denied" } });
});

it("accepts a code once, within ten minutes, and no other", async () => {
  const browser = await signedIn();
  expect((await enter(browser, "AAAA-AAAA")).page).toMatchObject({ page: "device_code", problem: "unknown" });
  expect((await enter(browser, "")).page).toMatchObject({ page: "device_code", problem: "missing" });
  expect((await enter(browser, "\0")).page).toMatchObject({ page: "device_code", problem: "unknown" });
  const used = await begin();
  await enter(browser, used.user_code);
  expect((await enter(browser, used.user_code)).page).toMatchObject({ page: "device_code", problem: "used" });

  vi.useFakeTimers({ toFake: ["Date"] });
  const late = await begin();
  vi.setSystemTime(Date.now() + 601_000);
  const later = await signedIn();
  expect((await enter(later, late.user_code)).page).toMatchObject({ page: "device_code", problem: "expired" });
  expect((await poll(late.device_code)).body["error"]).toBe("expired_token");
});

it("answers expired_token when the person confirmed the code and did not answer (RFC 8628 §3.5)", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const browser = await signedIn();
  const device = await begin();
  const { interaction } = await enter(browser, device.user_code);
  const errorAfter = async (seconds: number) => {
    vi.setSystemTime(Date.now() + seconds * 1000);
    return (await poll(device.device_code)).body["error"];
  };
  expect(await errorAfter(590)).toBe("authorization_pending");
  // Also when it polls too fast, and however often.
  expect([await errorAfter(11), await errorAfter(0), await errorAfter(240)]).toEqual(Array(3).fill("expired_token"));
  await browser.signIn();
  const later = await decide(browser, "approve", interaction ?? { authorizationId: "" });
  expect(later).toMatchObject({ page: "device_code", problem: "expired" });
  expect(await errorAfter(0)).toBe("expired_token");
});

describe("[S101] a guessed code", () => {
  /** Enters this many wrong codes in one browser, and returns the statuses. */
  const guess = async (browser: Browser, count: number, form: Record<string, string> = {}) => {
    const statuses = [];
    for (let tried = 0; tried < count; tried++) {
      const page = await shownBy(await browser.go("/device"));
      const xsrf = page?.page === "device_code" ? page.token : "";
      const { response } = await send(browser, { xsrf, user_code: `BBBB-BBB${"BCDFGHJKLM"[tried % 10]}`, ...form });
      statuses.push(response?.status);
    }
    return statuses;
  };
  const native = { kind: "native" as const, redirectUris: ["http://127.0.0.1/callback"] };
  const wrong = Array.from({ length: 10 }, () => 200);

  it("can be neither denied nor accepted without a session", async () => {
    const stranger = openBrowser(server);
    const device = await begin();
    const page = await shownBy(await stranger.go("/device"));
    const xsrf = page?.page === "device_code" ? page.token : "";
    for (const answer of [{}, { abort: "yes" }, { confirm: "yes" }]) {
      const { response } = await send(stranger, { xsrf, user_code: device.user_code, ...answer });
      expect(await shownBy(response)).toEqual({ page: "device_sign_in", userCode: device.user_code });
    }
    expect(await poll(device.device_code)).toMatchObject({ body: { error: "authorization_pending" } });
    // The device's owner can still use it.
    const { interaction } = await enter(await signedIn(), device.user_code);
    expect(interaction).not.toBeNull();
  });

  it("can be neither denied nor accepted with a session that has ended", async () => {
    const browser = await signedIn();
    const cookie = browser.jar.get("lockstep-session");
    const page = await shownBy(await browser.go("/device"));
    const xsrf = page?.page === "device_code" ? page.token : "";
    await browser.rpc("auth.logout", undefined);
    if (cookie) browser.jar.set("lockstep-session", cookie);
    const device = await begin();
    const { response } = await send(browser, { xsrf, user_code: device.user_code, abort: "yes" });
    expect(await shownBy(response)).toMatchObject({ page: "device_sign_in" });
    expect(await poll(device.device_code)).toMatchObject({ body: { error: "authorization_pending" } });
  });

  it("can be neither denied nor accepted with a session that has expired", async () => {
    const clock = testClock();
    await using server = await startAuthorizationServer({ now: clock.now });
    const browser = await signedInBrowser(server);
    const page = await shownBy(await browser.go("/device"));
    const xsrf = page?.page === "device_code" ? page.token : "";
    await server.db.updateTable("sessions").set({ idle_expires_at: clock.now() }).execute();
    const { response } = await send(browser, { xsrf, user_code: "BBBB-BBBB", abort: "yes" });
    expect(await shownBy(response)).toMatchObject({ page: "device_sign_in" });
  });

  it("makes all users wait after a thousand wrong ones in one hour", async () => {
    const clock = testClock();
    await using server = await startAuthorizationServer({ now: clock.now });
    const browser = await signedInBrowser(server);
    const hour = Math.floor(clock.now() / (60 * 60 * 1000));
    const limit = { free: 1000, maxWaitSeconds: 60 };
    for (let tried = 0; tried < 999; tried++)
      await server.domain.throttle.countGuess([{ name: `device-code:hour:${hour}`, limit }]);
    expect(await guess(browser, 2)).toEqual([200, 429]);
  });

  it("makes the person wait after ten wrong ones, in every session, also when the next one is right", async () => {
    await using server = await startAuthorizationServer({ now: testClock().now });
    const browser = await signedInBrowser(server);
    expect(await guess(browser, 12)).toEqual([...wrong, 429, 429]);
    const other = await signedInBrowser(server);
    const { config } = await registerClient(server, native);
    const device = await client.initiateDeviceAuthorization(config, { scope });
    const page = await shownBy(await other.go("/device"));
    const xsrf = page?.page === "device_code" ? page.token : "";
    const { response } = await send(other, { xsrf, user_code: device.user_code });
    expect([response?.status, Number(response?.headers.get("retry-after"))]).toEqual([429, 1]);
    expect(await shownBy(response)).toEqual({ page: "device_wait", seconds: 1 });
  });

  it("counts for everybody at one address, and right codes do not count", async () => {
    await using server = await startAuthorizationServer({ now: testClock().now });
    for (const name of ["one", "two", "three"]) await addPerson(server, name);
    const browserOf = async (name: string) => {
      const browser = await signedInBrowser(server, name);
      return browser;
    };
    const { config } = await registerClient(server, native);
    const right = await browserOf("john");
    for (let count = 0; count < 12; count++) {
      const device = await client.initiateDeviceAuthorization(config, { scope });
      expect((await right.enterCode(device.user_code, "deny"))?.page).toBe("device_denied");
    }
    for (const name of ["one", "two", "three"]) expect(await guess(await browserOf(name), 10)).toEqual(wrong);
    expect(await guess(right, 1)).toEqual([429]);
  });

  it("does not count when the field is empty, or the form is another page's", async () => {
    await addPerson(server, "absent");
    const browser = await signedInBrowser(server, "absent");
    await guess(browser, 12, { user_code: "" });
    expect(new Set(await guess(browser, 12, { xsrf: "x" }))).toEqual(new Set([400]));
    expect((await enter(browser, (await begin()).user_code)).interaction).not.toBeNull();
  });
});

it("refuses a form that another page made", async () => {
  const browser = await signedIn();
  const device = await begin();
  await browser.go("/device");
  for (const xsrf of ["", "x"]) {
    const { response } = await send(browser, { xsrf, user_code: device.user_code, confirm: "yes" });
    expect(response?.status).toBe(400);
  }
  const other = openBrowser(server);
  const page = await shownBy(await other.go("/device"));
  const token = page?.page === "device_code" ? page.token : "";
  const { response } = await send(browser, { xsrf: token, user_code: device.user_code, confirm: "yes" });
  expect(response?.status).toBe(400);
  expect(await poll(device.device_code)).toMatchObject({ body: { error: "authorization_pending" } });
});

it("refuses the device code of another client", async () => {
  const other = await registerClient(server, { kind: "native", redirectUris: ["http://127.0.0.1/callback"] });
  const browser = await signedIn();
  const device = await begin();
  const { interaction } = await enter(browser, device.user_code);
  await decide(browser, "approve", interaction ?? { authorizationId: "" });
  expect(await poll(device.device_code, other.id)).toMatchObject({ body: { error: "invalid_grant" } });
  expect((await poll(device.device_code)).status).toBe(200);
});

it("[S14] is only for native clients", async () => {
  const web = await registerClient(server);
  expect(await refusalOf(client.initiateDeviceAuthorization(web.config, { scope }))).toMatch(
    /unauthorized_client|invalid_/,
  );
});
