// Sign-ins with second factors as browsers make them: what cookies there are, and when.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { codeOf } from "../../test/authenticator-app.ts";
import { callsTo } from "../../test/calls.ts";
import { createAuthenticator } from "../../test/software-authenticator.ts";
import { john, startTestServer, type TestServer, testClock, testSource, typed } from "../testing.ts";

const publicUrl = "https://api.example.com";
const clock = testClock();
let server: TestServer;
let calls: ReturnType<typeof callsTo>;
let secret: string;
let factorId: string;

beforeAll(async () => {
  server = await startTestServer({ now: clock.now, config: { publicUrl, passkeyOrigins: ["https://example.org"] } });
  calls = callsTo(server.app);
  const { signIn, factorSignIn } = server.domain;
  const owner = await signIn.withPassword(typed(john.username, john.password));
  const begun = await factorSignIn.beginFactor(owner, "totp");
  if (begun.kind !== "totp") throw new Error("Another kind of factor was begun");
  secret = begun.secret;
  const finished = { enrolmentId: begun.enrolmentId, name: "Phone", totp: codeOf(secret, clock.now()) };
  factorId = (await factorSignIn.completeFactor(owner, finished, testSource)).id;
  clock.advanceSeconds(60);
});
afterAll(() => server.close());

const password = { username: john.username, password: john.password };
const names = { proof: "__Host-lockstep-proof", device: "__Host-lockstep-device", session: "__Host-lockstep-session" };

/** Signs in with the password, as a browser. */
const begin = async (cookies: Record<string, string> = {}) => {
  const answer = await calls.mutate("auth.login", { ...password, transport: "cookie" }, { cookies });
  const data = answer.data as unknown as { status: string; challengeId: string };
  return { ...answer, data, browser: { ...cookies, [names.proof]: answer.cookies[names.proof]?.value ?? "" } };
};

const complete = (challengeId: string, cookies: Record<string, string>, given: object = {}) => {
  clock.advanceSeconds(60);
  const input = { challengeId, totp: codeOf(secret, clock.now()), transport: "cookie" as const, ...given };
  return calls.mutate("auth.completeLogin", input, { cookies });
};

describe("a browser that signs in with a second factor", () => {
  it("[S111] has no session cookie, no token and no known device before the second factor", async () => {
    const { data, cookies, text } = await begin();
    expect(data).toMatchObject({ status: "second_factor_required", methods: ["totp"] });
    expect(Object.keys(cookies)).toEqual([names.proof]);
    expect(cookies[names.proof]).toMatchObject({ httpOnly: true, secure: true, sameSite: "Strict", path: "/" });
    expect(text).not.toMatch(/accessToken|refreshToken|deviceToken|"user"/);
  });

  it("completes it in the browser that began, and in no other", async () => {
    const { data, browser } = await begin();
    expect((await complete(data.challengeId, {})).code).toBe("CHALLENGE_EXPIRED");
    const another = await begin();
    expect((await complete(data.challengeId, another.browser)).code).toBe("CHALLENGE_EXPIRED");
    // A handle for clients without cookies works no better.
    expect((await complete(data.challengeId, {}, { transport: "body" })).code).toBe("CHALLENGE_EXPIRED");
    const done = await complete(data.challengeId, browser);
    expect(done.data).toMatchObject({ status: "signed_in", user: { username: "john" } });
    expect(Object.keys(done.cookies).sort()).toEqual([names.device, names.session]);
    expect(done.data.refreshToken).toBeUndefined();
  });

  it("may be trusted, and then needs the password alone", async () => {
    const { data, browser } = await begin();
    const done = await complete(data.challengeId, browser, { trustDevice: true });
    const device = { [names.device]: done.cookies[names.device]?.value ?? "" };
    const again = await begin(device);
    expect(again.data).toMatchObject({ status: "signed_in" });
    // Trust is no second factor.
    const token = (again.data as unknown as { accessToken: string }).accessToken;
    expect((await calls.mutate("factor.remove", { factorId }, { token })).code).toBe("REAUTHENTICATION_REQUIRED");
    expect((await calls.mutate("factor.begin", { kind: "passkey" }, { token })).error).toMatchObject({
      code: "REAUTHENTICATION_REQUIRED",
      details: { factors: 2, maxAgeSeconds: 900 },
    });
  });

  it("[S68] sends no two codes in one request", async () => {
    const { data, browser } = await begin();
    const input = JSON.stringify({ challengeId: data.challengeId, totp: "000000" });
    const { body } = await server.app.inject({
      method: "POST",
      url: "/trpc/auth.completeLogin,auth.completeLogin?batch=1",
      headers: { "content-type": "application/json" },
      cookies: browser,
      payload: `{"0":${input},"1":${input}}`,
    });
    expect(body.match(/CREDENTIALS_IN_BATCH/g)).toHaveLength(2);
  });

  it("sends exactly one factor", async () => {
    const { data, browser } = await begin();
    const given = { recoveryCode: "BCDFGHJKLMNP" };
    expect((await complete(data.challengeId, browser, given)).code).toBe("INVALID_INPUT");
    expect((await complete(data.challengeId, browser, { totp: undefined })).code).toBe("INVALID_INPUT");
  });
});

it("[S12] the password form of /token is refused for people with a factor, once the password is right", async () => {
  const form = (secretWord: string) =>
    server.app.inject({
      method: "POST",
      url: "/token",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      payload: `username=john&password=${secretWord}`,
    });
  const right = await form(john.password);
  expect([right.statusCode, right.json()]).toEqual([
    400,
    { error: "invalid_grant", error_description: expect.stringContaining("second factor") },
  ]);
  expect((await form("wrong")).json()).toEqual({
    error: "invalid_grant",
    error_description: "The username or the password is wrong",
  });
});

it("a passkey is added and signs in over RPC, and [S77] steps a session up in a new one", async () => {
  const { data, browser } = await begin();
  const { data: signedIn } = await complete(data.challengeId, browser);
  const token = signedIn.accessToken;
  const begun = await calls.mutate("factor.begin", { kind: "passkey" }, { token });
  if (begun.data.kind !== "passkey") throw new Error("Another kind of factor was begun");
  const authenticator = createAuthenticator({ origin: publicUrl });
  const finished = { enrolmentId: begun.data.enrolmentId, name: "Key", passkey: authenticator.create(begun.data) };
  expect((await calls.mutate("factor.complete", finished, { token })).data).toMatchObject({ kind: "passkey" });
  expect((await calls.query("factor.list", { token })).data).toMatchObject({
    factors: [{ kind: "totp" }, { kind: "passkey", name: "Key" }],
    required: false,
    dueAt: null,
    resetsAt: null,
  });
  const { codes } = (await calls.mutate("factor.renewRecoveryCodes", undefined, { token })).data;
  expect(new Set(codes).size).toBe(10);

  const options = (await calls.mutate("auth.passkeyOptions", undefined)).data;
  const done = await calls.mutate("auth.loginWithPasskey", {
    passkey: authenticator.get(options),
    transport: "cookie",
  });
  expect(done.data).toMatchObject({ status: "signed_in", user: { username: "john" } });
  expect(Object.keys(done.cookies).sort()).toEqual([names.device, names.session]);

  const next = (await calls.mutate("auth.passkeyOptions", undefined)).data;
  const stepped = await calls.mutate("auth.stepUp", { passkey: authenticator.get(next) }, { token });
  expect(stepped.data).toMatchObject({ status: "signed_in", refreshToken: expect.any(String) });
  expect((await calls.query("user.me", { token })).code).toBe("INVALID_TOKEN");
  expect((await calls.query("user.me", { token: stepped.data.accessToken })).status).toBe(200);
});

it("[S112] adding, renaming and removing a factor needs a fresh sign-in", async () => {
  const { data, browser } = await begin();
  const done = await complete(data.challengeId, browser);
  clock.advanceSeconds(901);
  const cookies = { [names.session]: done.cookies[names.session]?.value ?? "" };
  const { accessToken: token } = (await calls.mutate("auth.refresh", {}, { cookies })).data;
  const answers = [
    await calls.mutate("factor.begin", { kind: "totp" }, { token }),
    await calls.mutate("factor.complete", { enrolmentId: "x", name: "X", totp: "000000" }, { token }),
    await calls.mutate("factor.rename", { factorId, name: "X" }, { token }),
    await calls.mutate("factor.remove", { factorId }, { token }),
    await calls.mutate("factor.renewRecoveryCodes", undefined, { token }),
  ];
  expect(answers.map(({ code }) => code)).toEqual(Array(5).fill("REAUTHENTICATION_REQUIRED"));
});

it("[S112] the owner sees a reset, and stops it in a session that proved a factor, in no other", async () => {
  const { domain } = server;
  const { data, browser } = await begin();
  const { data: proved, cookies } = await complete(data.challengeId, browser, { trustDevice: true });
  const userId = proved.user.id;
  const known = { [names.device]: cookies[names.device]?.value ?? "" };
  const trusted = await calls.mutate("auth.login", { ...password, transport: "cookie" }, { cookies: known });
  const resetsAt = await domain.factors.requestReset(userId, testSource);

  const listed = async (token: string) => (await calls.query("factor.list", { token })).data.resetsAt;
  expect(await listed(proved.accessToken)).toBe(clock.now() + 24 * 3600 * 1000);
  expect(await listed(trusted.data.accessToken)).toBe(resetsAt);
  const refused = await calls.mutate("factor.cancelReset", undefined, { token: trusted.data.accessToken });
  expect(refused.error).toMatchObject({
    code: "REAUTHENTICATION_REQUIRED",
    details: { factors: 2, maxAgeSeconds: null, phishingResistant: false },
  });
  expect((await calls.mutate("factor.cancelReset", undefined)).code).toBe("UNAUTHENTICATED");
  expect(await domain.factors.resetAt(userId)).toBe(resetsAt);

  const stop = () => calls.mutate("factor.cancelReset", undefined, { token: proved.accessToken });
  expect((await stop()).status).toBe(200);
  expect(await listed(proved.accessToken)).toBeNull();
  // Nothing is left to stop, and nothing more is recorded.
  expect((await stop()).status).toBe(200);
  const entries = await domain.audit.list({ userId, limit: 50 });
  expect(entries.filter(({ action }) => action === "factor.cancel_reset")).toHaveLength(1);
  const mails = (await server.mails()).filter(({ subject }) => subject.endsWith("account stay"));
  expect(mails.map(({ to }) => to)).toEqual([john.email]);
});

it("related origins are named where browsers look for them", async () => {
  const { statusCode, body } = await server.app.inject({ method: "GET", url: "/.well-known/webauthn" });
  expect([statusCode, JSON.parse(body)]).toEqual([200, { origins: ["https://example.org"] }]);
});
