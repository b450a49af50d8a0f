// Identity providers that lie, and people who present responses of others. Each attempt ends with one page and one
// audit entry, without a session, an account, or a secret in the log.

import { Writable } from "node:stream";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { codeOf } from "../../test/authenticator-app.ts";
import { openBrowser } from "../../test/browser-trip.ts";
import { misbehavingClient, startMisbehavingProvider } from "../../test/misbehaving-provider.ts";
import { claimsOf } from "../domain/factors/assurance.ts";
import { john, startTestServer, testClock, testSource, testWorld } from "../testing.ts";
import { type IdentityProviderSettings, parseIdentityProviders } from "./identity-provider-settings.ts";

type IdentityProvider = Awaited<ReturnType<typeof startMisbehavingProvider>>;

const settingsOf = (entries: Record<string, object>) => {
  const parsed = parseIdentityProviders(JSON.stringify(entries));
  if ("faults" in parsed) throw new Error(parsed.faults.join("\n"));
  return parsed.providers;
};

const start = async (
  provider: IdentityProvider,
  entry: object = {},
  timeoutMs = 30_000,
  change: Partial<IdentityProviderSettings> = {},
  now = Date.now,
) => {
  const lines: string[] = [];
  const server = await startTestServer({
    config: {
      providers: settingsOf({
        bad: { issuer: provider.issuer, ...misbehavingClient, allowPrivateAddresses: true, ...entry },
        other: { issuer: "https://other.example", ...misbehavingClient },
      }).map((settings) => ({ ...settings, ...change })),
    },
    now,
    world: { outbound: { ...testWorld(Date.now).outbound, timeoutMs } },
    logger: {
      level: "trace",
      stream: new Writable({
        write(chunk: Buffer, _, done) {
          lines.push(chunk.toString());
          done();
        },
      }),
    },
  });
  return { ...server, log: () => lines.join("") };
};

type Server = Awaited<ReturnType<typeof start>>;

/**
 * Leaves for the identity provider. Returns what the response must contain, and the secrets that must never be shown.
 */
const leave = async (browser: ReturnType<typeof openBrowser>, path = "/login/bad") => {
  const left = await browser.visit(path);
  const address = new URL(String(left.headers.location));
  const cookie = browser.ours.names().find((name) => name.startsWith("lockstep-login-")) ?? "";
  return {
    left,
    address,
    state: address.searchParams.get("state") ?? "",
    nonce: address.searchParams.get("nonce") ?? "",
    secrets: [browser.ours.get(cookie) ?? "", "a-code-of-the-provider", misbehavingClient.clientSecret],
  };
};

const answerOf = (provider: IdentityProvider, state: string, change: Record<string, string | null> = {}) => {
  const answer = new URLSearchParams({ code: "a-code-of-the-provider", state, iss: provider.issuer });
  for (const [name, value] of Object.entries(change)) {
    if (value === null) answer.delete(name);
    else answer.set(name, value);
  }
  return `/login/bad/callback?${answer}`;
};

const countsOf = async ({ domain, db }: Server) => ({
  users: (await domain.users.list({ limit: 100 })).length,
  sessions: (await db.selectFrom("sessions").select("id").execute()).length,
  identities: (await db.selectFrom("identities").select("id").execute()).length,
  audit: (await db.selectFrom("audit_log").select("id").execute()).length,
});

/** Signs with a new key, so that the key set is fetched again. */
const byNewKey = async (claims: JWTPayload) =>
  new SignJWT(claims)
    .setProtectedHeader({ alg: "ES256", kid: "unseen" })
    .sign((await generateKeyPair("ES256")).privateKey);

describe("a sign-in through an identity provider", () => {
  let provider: IdentityProvider;
  let server: Server;
  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    server = await start(provider);
  });
  afterAll(async () => {
    await server?.close();
    await provider?.[Symbol.asyncDispose]();
  });
  beforeEach(() => provider.behave());

  /** Expects that `attempt` is refused, and nothing else. */
  const expectRefused = async (
    problem: string,
    attempt: () => Promise<{ statusCode: number; headers: Record<string, unknown>; secrets?: string[] }>,
    by: Server = server,
  ) => {
    const before = await countsOf(by);
    const { statusCode, headers, secrets = [] } = await attempt();
    expect([statusCode, headers["location"]]).toEqual([303, `/sign-in?problem=${problem}&provider=bad`]);
    expect(headers["cache-control"]).toBe("no-store");
    expect(String(headers["set-cookie"] ?? "")).not.toContain("lockstep-session");
    expect(await countsOf(by)).toEqual({ ...before, audit: before.audit + 1 });
    const [entry] = await by.domain.audit.list({ limit: 1 });
    expect(entry).toMatchObject({ action: "sign_in", outcome: "refused", detail: { provider: "bad", problem } });
    // Every kind of token starts like this.
    expect(by.log()).not.toContain("eyJ");
    for (const secret of [...secrets, "an access token"]) {
      expect(by.log()).not.toContain(secret);
      expect(JSON.stringify(entry)).not.toContain(secret);
    }
    return entry;
  };

  /** A whole sign-in, honest unless changed. */
  const trip = async (change: Record<string, string | null> = {}, by: Server = server) => {
    const browser = openBrowser(by.app);
    const { state, nonce, secrets } = await leave(browser);
    provider.expectNonce(nonce);
    const response = await browser.visit(answerOf(provider, state, change), "cross-site");
    expect(browser.ours.names().filter((name) => name.startsWith("lockstep-login-"))).toEqual([]);
    return { statusCode: response.statusCode, headers: response.headers, secrets: [...secrets, nonce] };
  };

  it("[S96] is fresh by auth_time, and without it only when a new sign-in was asked for", async () => {
    const authenticatedAt = async (path: string, authTime?: number) => {
      const browser = openBrowser(server.app);
      const { state, nonce, address } = await leave(browser, path);
      provider.behave({ claims: { nonce, ...(authTime !== undefined && { auth_time: authTime }) } });
      const { headers } = await browser.visit(answerOf(provider, state));
      const newest = server.db.selectFrom("sessions").select("authenticated_at").orderBy("created_at", "desc");
      const row = await newest.orderBy("authenticated_at", "desc").limit(1).executeTakeFirst();
      return { location: headers["location"], prompt: address.searchParams.get("prompt"), at: row?.authenticated_at };
    };
    const start = Date.now();
    expect(await authenticatedAt("/login/bad")).toMatchObject({ location: "/", prompt: null, at: 0 });
    const fresh = await authenticatedAt("/login/bad?fresh=1");
    expect(fresh).toMatchObject({ location: "/", prompt: "login" });
    expect(fresh.at).toBeGreaterThanOrEqual(start);
    const hourAgo = Math.floor(start / 1000) - 3600;
    const stale = await authenticatedAt("/login/bad?fresh=1", hourAgo);
    expect(stale.location).toBe("/sign-in?problem=untrusted&provider=bad");
  });

  it("[S96] is not fresh without auth_time when the identity provider only lets people select an account, as Google does", async () => {
    await using own = await start(provider, {}, 30_000, { freshness: "select_account" });
    const browser = openBrowser(own.app);
    const { state, nonce, address } = await leave(browser, "/login/bad?fresh=1");
    expect(address.searchParams.get("prompt")).toBe("select_account");
    provider.expectNonce(nonce);
    expect((await browser.visit(answerOf(provider, state))).headers["location"]).toBe("/");
    expect(await own.db.selectFrom("sessions").select("authenticated_at").execute()).toEqual([{ authenticated_at: 0 }]);
  });

  it("[S111] counts as one factor, unless its settings say what its acr and amr are worth", async () => {
    await using own = await start(provider, { assurance: { "2fa": ["mfa", "urn:two"], phr: ["hwk"] } });
    const acrOf = async (claims: Record<string, unknown>) => {
      const browser = openBrowser(own.app);
      const { state, nonce } = await leave(browser);
      provider.behave({ claims: { nonce, ...claims } });
      await browser.visit(answerOf(provider, state));
      const newest = own.db.selectFrom("sessions").selectAll().orderBy("created_at", "desc").limit(1);
      const row = await newest.executeTakeFirstOrThrow();
      await own.db.deleteFrom("sessions").execute();
      return claimsOf({ factors: row.factors, authenticatedAt: row.authenticated_at }).acr;
    };
    expect(await acrOf({})).toBe("1fa");
    expect(await acrOf({ amr: ["pwd", "otp"], acr: "urn:one" })).toBe("1fa");
    expect(await acrOf({ amr: ["pwd", "mfa"] })).toBe("2fa");
    expect(await acrOf({ acr: "urn:two" })).toBe("2fa");
    expect(await acrOf({ amr: ["hwk"] })).toBe("phr");
    // Text, where OpenID Connect has a list.
    expect(await acrOf({ amr: "hwk" })).toBe("1fa");
  });

  it("[S111] is followed by the second factor that the account has, without a session before", async () => {
    await using own = await start(provider);
    const arrive = async () => {
      const browser = openBrowser(own.app);
      const { state, nonce } = await leave(browser);
      provider.expectNonce(nonce);
      return browser.visit(answerOf(provider, state));
    };
    await arrive();
    const { id, user_id: userId } = await own.db.selectFrom("sessions").selectAll().executeTakeFirstOrThrow();
    const { users, factorSignIn, sessions, identities } = own.domain;
    const user = await users.find(userId);
    const live = await sessions.findLive(id);
    if (!user || !live) throw new Error("Nobody signed in");
    const begun = await factorSignIn.beginFactor({ user, session: live.session }, "totp");
    if (begun.kind !== "totp") throw new Error("Another kind of factor was begun");
    const totp = codeOf(begun.secret, Date.now() - 30_000);
    const finished = { enrolmentId: begun.enrolmentId, name: "Phone", totp };
    await factorSignIn.completeFactor({ user, session: live.session }, finished, testSource);

    const back = await arrive();
    const [path = "", fragment = ""] = String(back.headers["location"]).split("#");
    expect(path).toBe("/sign-in");
    const pending = JSON.parse(new URLSearchParams(fragment).get("continue") ?? "") as { challengeId: string };
    expect(pending).toMatchObject({ status: "second_factor_required", methods: ["totp"] });
    expect(back.cookies.map(({ name }) => name).filter((name) => !name.startsWith("lockstep-login-"))).toEqual([
      "lockstep-proof",
    ]);
    const browser = back.cookies.find(({ name }) => name === "lockstep-proof")?.value ?? "";
    const redeemer = { browser, source: testSource, trustDevice: false };
    const given = { totp: codeOf(begun.secret, Date.now()) };
    const done = await factorSignIn.complete(pending.challengeId, given, redeemer);
    expect(claimsOf(done.session)).toMatchObject({ acr: "2fa", amr: ["otp", "mfa"] });
    // The session is still the identity provider's to end.
    expect(
      await own.db.transaction().execute((transaction) => identities.identityOf(done.session.id, transaction)),
    ).toEqual(expect.any(String));
  });

  it("succeeds with an honest provider, as a reference for the refusals below", async () => {
    await using honest = await startMisbehavingProvider();
    const own = await start(honest);
    const browser = openBrowser(own.app);
    const { state, nonce } = await leave(browser);
    honest.expectNonce(nonce);
    const response = await browser.visit(answerOf(honest, state), "cross-site");
    expect([response.statusCode, response.headers.location]).toEqual([303, "/"]);
    expect(browser.ours.names().sort()).toEqual(["lockstep-device", "lockstep-session"]);
    await own.close();
  });

  it("[S56] has its own state, nonce and PKCE challenge each time", async () => {
    const browser = openBrowser(server.app);
    const trips = await Promise.all([leave(browser), leave(browser)]);
    for (const name of ["state", "nonce", "code_challenge"]) {
      const values = trips.map(({ address }) => address.searchParams.get(name));
      expect(new Set(values).size).toBe(2);
      for (const value of values) expect(value?.length).toBeGreaterThanOrEqual(22);
    }
    expect(trips[0].address.searchParams.get("code_challenge_method")).toBe("S256");
    const [cookie] = trips[0].left.cookies as { sameSite?: string; httpOnly?: boolean; maxAge?: number }[];
    expect(cookie).toMatchObject({ sameSite: "Lax", httpOnly: true, maxAge: 600 });
    // Encrypted: not even the browser can read it.
    expect(browser.ours.header()).not.toContain(trips[0].nonce);
  });

  it.each<[string, Record<string, unknown>]>([
    ["[S57] of another issuer", { iss: "https://evil.example" }],
    ["[S57] of the same issuer but for a slash", { iss: "slash" }],
    ["[S58] for another client", { aud: "somebody-else" }],
    ["[S58] for several clients, and authorized to another", { aud: [misbehavingClient.clientId, "x"], azp: "x" }],
    ["that has expired", { iat: 1000, exp: 2000 }],
    ["without an end", { exp: undefined }],
    ["[S56] with the nonce of another sign-in", { nonce: "of-another-sign-in" }],
    ["[S56] without a nonce", { nonce: undefined }],
    ["about nobody", { sub: undefined }],
    ["about a subject that is longer than allowed", { sub: "x".repeat(256) }],
    ["about a subject that no database can store", { sub: "nadia\u0000" }],
  ])("refuses an ID token %s", async (_name, claims) => {
    const change = claims["iss"] === "slash" ? { iss: `${provider.issuer}/` } : claims;
    // With these claims, no later check can refuse it.
    provider.behave({ claims: { email: "nadia@example.org", name: "Nadia", ...change } });
    await expectRefused("untrusted", trip);
  });

  it.each<[string, (claims: object) => Promise<string>]>([
    ["by nobody", async (claims) => new UnsecuredJWT({ ...claims }).encode()],
    [
      "with the client's secret",
      async (claims) =>
        new SignJWT({ ...claims })
          .setProtectedHeader({ alg: "HS256" })
          .sign(new TextEncoder().encode(misbehavingClient.clientSecret)),
    ],
    [
      "by a key of another party",
      async (claims) =>
        new SignJWT({ ...claims })
          .setProtectedHeader({ alg: "ES256", kid: "first" })
          .sign((await generateKeyPair("ES256")).privateKey),
    ],
    [
      "by a key in its own header",
      async (claims) => {
        const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
        const jwk = await exportJWK(publicKey);
        return new SignJWT({ ...claims }).setProtectedHeader({ alg: "ES256", jwk }).sign(privateKey);
      },
    ],
  ])("[S58] refuses an ID token that is signed %s", async (_name, sign) => {
    provider.behave({ sign });
    await expectRefused("untrusted", trip);
  });

  it("accepts a key that the identity provider started to use a moment ago", async () => {
    await using rotating = await startMisbehavingProvider();
    const own = await start(rotating);
    for (const _trip of ["with no key known", "with the key before known"]) {
      const browser = openBrowser(own.app);
      const { state, nonce } = await leave(browser);
      rotating.expectNonce(nonce);
      await rotating.rotateKey();
      const response = await browser.visit(answerOf(rotating, state), "cross-site");
      expect(response.headers.location).toBe("/");
    }
    await own.close();
  });

  it("[S57] refuses a response that names another issuer, or none although the identity provider always sends one", async () => {
    await expectRefused("untrusted", () => trip({ iss: "https://evil.example" }));
    await expectRefused("untrusted", () => trip({ iss: null }));
  });

  it("[S57] refuses a response that comes back for another provider", async () => {
    const browser = openBrowser(server.app);
    const { state } = await leave(browser);
    const before = await countsOf(server);
    const response = await browser.visit(answerOf(provider, state).replace("/bad/", "/other/"), "cross-site");
    expect(response.headers.location).toBe("/sign-in?problem=untrusted&provider=other");
    expect(await countsOf(server)).toEqual({ ...before, audit: before.audit + 1 });
  });

  it("[S56] refuses the response to a sign-in that another browser began", async () => {
    const { state } = await leave(openBrowser(server.app));
    const victim = openBrowser(server.app);
    await expectRefused("expired", () => victim.visit(answerOf(provider, state), "cross-site"));
    await leave(victim);
    await expectRefused("expired", () => victim.visit(answerOf(provider, state), "cross-site"));
  });

  it("[S56] refuses the code of one sign-in with the state of another in the same browser", async () => {
    const browser = openBrowser(server.app);
    const first = await leave(browser);
    const second = await leave(browser);
    provider.expectNonce(first.nonce);
    await expectRefused("untrusted", () => browser.visit(answerOf(provider, second.state), "cross-site"));
  });

  it("[S56] refuses a state that was used before, with its cookie", async () => {
    const browser = openBrowser(server.app);
    const { state } = await leave(browser);
    const [name = ""] = browser.ours.names();
    const cookie = browser.ours.get(name) ?? "";
    await expectRefused("cancelled", () =>
      browser.visit(answerOf(provider, state, { code: null, error: "access_denied" }), "cross-site"),
    );
    browser.ours.set(name, cookie);
    await expectRefused("expired", () => browser.visit(answerOf(provider, state), "cross-site"));
  });

  it("[S56] refuses a cookie that was changed or moved to another state", async () => {
    const browser = openBrowser(server.app);
    const { state } = await leave(browser);
    const name = `lockstep-login-${state}`;
    const cookie = browser.ours.get(name) ?? "";
    browser.ours.set(name, `${cookie.slice(0, -2)}AA`);
    await expectRefused("expired", () => browser.visit(answerOf(provider, state), "cross-site"));
    const other = "x".repeat(22);
    browser.ours.set(`lockstep-login-${other}`, cookie);
    await expectRefused("expired", () => browser.visit(answerOf(provider, other), "cross-site"));
  });

  it.each([
    ["access_denied", "cancelled"],
    ["login_required", "refused"],
    ["invalid_scope", "refused"],
    ["temporarily_unavailable", "unavailable"],
    ["server_error", "unavailable"],
    ["<script>alert(1)</script>", "refused"],
  ])("reports the identity provider's error %s as %s, in our own words", async (error, problem) => {
    const entry = await expectRefused(problem, () =>
      trip({ code: null, error, error_description: "<b>Call 555 to unlock your account</b>" }),
    );
    expect(JSON.stringify(entry?.detail)).not.toMatch(/<|unlock/);
  });

  it("[S52] refuses userinfo about another subject", async () => {
    provider.behave({ userinfo: { sub: "somebody-else", email: john.email, email_verified: true } });
    await expectRefused("untrusted", trip);
  });

  it("[S59] never signs in to an account because the verified e-mail address matches", async () => {
    provider.behave({
      claims: { sub: "with-johns-address", email: "JOHN@example.com", name: "J", email_verified: true },
    });
    const entry = await expectRefused("account_exists", trip);
    expect(entry?.userId).toBe((await server.domain.users.findByLogin(john.username))?.user.id);
  });

  it.each<[string, Record<string, unknown>, string]>([
    [
      "an unverified address of an allowed domain",
      { email: "x@allowed.example", email_verified: false },
      "email_unverified",
    ],
    [
      "an address whose email_verified is not a boolean",
      { email: "x@allowed.example", email_verified: "true" },
      "email_unverified",
    ],
    ["a verified address of another domain", { email: "x@notallowed.example", email_verified: true }, "no_account"],
    [
      "an address with an allowed domain before the at",
      { email: "allowed.example@evil.example", email_verified: true },
      "no_account",
    ],
    ["no address", { email: undefined, email_verified: true }, "no_account"],
    ["what is no address", { email: "allowed.example", email_verified: true }, "no_account"],
  ])("[S59] creates no account for %s", async (_name, userinfo, problem) => {
    const strict = await start(provider, { create: ["allowed.example"] });
    provider.behave({ userinfo: { name: "X", ...userinfo } });
    await expectRefused(problem, () => trip({}, strict), strict);
    await strict.close();
  });

  it("does not let userinfo verify an address of the ID token", async () => {
    const strict = await start(provider, { create: ["allowed.example"] });
    provider.behave({
      claims: { email: "x@allowed.example" },
      userinfo: { email: "y@evil.example", email_verified: true },
    });
    await expectRefused("email_unverified", () => trip({}, strict), strict);
    await strict.close();
  });

  it("creates no account when the settings forbid it", async () => {
    const closed = await start(provider, { create: "never" });
    await expectRefused("no_account", () => trip({}, closed), closed);
    await closed.close();
  });

  it.each<[string, Partial<Parameters<IdentityProvider["behave"]>[0]>]>([
    ["a token endpoint that breaks off", { answers: { "/token": (request) => request.socket.destroy() } }],
    [
      "a token endpoint that fails",
      { answers: { "/token": (_request, response) => response.writeHead(500).end("oops") } },
    ],
    [
      "a token endpoint that answers with a page",
      {
        answers: {
          "/token": (_request, response) => response.writeHead(200, { "content-type": "text/html" }).end("<html>"),
        },
      },
    ],
    [
      "a token endpoint that redirects to a private address",
      {
        answers: {
          "/token": (_request, response) => response.writeHead(307, { location: "http://169.254.169.254/" }).end(),
        },
      },
    ],
    [
      "a key set that redirects to a private address",
      {
        answers: {
          "/jwks": (_request, response) => response.writeHead(302, { location: "http://127.0.0.1:1/" }).end(),
        },
        sign: byNewKey,
      },
    ],
    [
      "an invalid key set",
      { answers: { "/jwks": (_request, response) => response.end('{"keys":1}') }, sign: byNewKey },
    ],
    ["keys that fail", { answers: { "/jwks": (_request, response) => response.writeHead(500).end() }, sign: byNewKey }],
    ["userinfo without an end", { userinfo: { name: "x".repeat(300_000) } }],
    ["claims without an end", { claims: { name: "x".repeat(300_000) } }],
  ])("survives %s", async (_name, behaviour) => {
    provider.behave(behaviour);
    await expectRefused("unavailable", trip);
  });

  it("reports a refused code as a refusal, without details", async () => {
    const error_description = "the code a-code-of-the-provider is no good";
    provider.behave({
      answers: {
        "/token": (_request, response) =>
          response
            .writeHead(400, { "content-type": "application/json" })
            .end(JSON.stringify({ error: "invalid_grant", error_description })),
      },
    });
    const entry = await expectRefused("refused", trip);
    expect(entry?.detail["reason"]).toBe("the identity provider's token endpoint answered invalid_grant");
  });
});

describe("an identity provider's metadata", () => {
  const leaveFor = async (
    entry: object,
    behaviour: Parameters<IdentityProvider["behave"]>[0] = {},
    timeoutMs?: number,
  ) => {
    await using provider = await startMisbehavingProvider();
    provider.behave(behaviour);
    const server = await start(provider, typeof entry === "function" ? entry(provider) : entry, timeoutMs);
    const response = await openBrowser(server.app).visit("/login/bad");
    const audit = (await server.domain.audit.list({ limit: 10 })).filter(({ outcome }) => outcome === "refused");
    await server.close();
    return {
      location: response.headers.location,
      asked: provider.asked,
      reasons: audit.map(({ detail }) => detail["reason"]),
    };
  };

  it.each<[string, Parameters<IdentityProvider["behave"]>[0]]>([
    ["names another issuer", { metadata: { issuer: "https://evil.example" } }],
    ["has no token endpoint", { metadata: { token_endpoint: undefined } }],
    ["has no keys", { metadata: { jwks_uri: undefined } }],
    ["has keys at no address", { metadata: { jwks_uri: "keys" } }],
    ["is no JSON", { answers: { "/.well-known/openid-configuration": (_, response) => response.end("{") } }],
    [
      "sends on",
      {
        answers: {
          "/.well-known/openid-configuration": (_, response) =>
            response.writeHead(302, { location: "http://169.254.169.254/latest/meta-data/" }).end(),
        },
      },
    ],
    ["breaks off", { answers: { "/.well-known/openid-configuration": (request) => request.socket.destroy() } }],
  ])("[S57] is refused when it %s", async (_name, behaviour) => {
    const { location, reasons } = await leaveFor({}, behaviour);
    expect(location).toMatch(/^\/sign-in\?problem=(untrusted|unavailable)&provider=bad$/);
    expect(reasons.length).toBe(1);
  });

  it("has a time limit", async () => {
    const hang = { answers: { "/.well-known/openid-configuration": () => {} } };
    const { location, reasons } = await leaveFor({}, hang, 200);
    expect(location).toBe("/sign-in?problem=unavailable&provider=bad");
    expect(reasons).toEqual([expect.stringMatching(/did not answer within 0\.2 seconds$/)]);
  });

  it("[S57] is compared exactly, also when an issuer ends with a slash", async () => {
    const { location } = await leaveFor((provider: IdentityProvider) => ({ issuer: `${provider.issuer}/` }));
    expect(location).toBe("/sign-in?problem=untrusted&provider=bad");
  });

  it("is not requested from a private address, unless the settings allow it", async () => {
    const { location, asked, reasons } = await leaveFor((provider: IdentityProvider) => ({
      issuer: provider.issuer.replace("http://localhost", "https://127.0.0.1"),
      allowPrivateAddresses: false,
    }));
    expect([location, asked]).toEqual(["/sign-in?problem=unavailable&provider=bad", []]);
    expect(reasons).toEqual([expect.stringMatching(/its address is private$/)]);
  });
});

describe("refusals without an account [S92]", () => {
  it("leave at most a hundred audit entries for each address, and are always logged", async () => {
    await using provider = await startMisbehavingProvider();
    const server = await start(provider, {}, 30_000, {}, testClock().now);
    const before = (await countsOf(server)).audit;
    for (let n = 0; n < 105; n++) await openBrowser(server.app).visit("/login/bad/callback?state=x");
    expect((await countsOf(server)).audit - before).toBe(100);
    expect(server.log().match(/a sign-in through an identity provider was refused/g)).toHaveLength(105);
    await server.close();
  });
});

describe("the return path", () => {
  it.each([
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example/",
    "/..//evil.example/",
    "/\t/evil.example",
    "javascript:alert(1)",
    `/${"x".repeat(1000)}`,
  ])("is never %s", async (returnTo) => {
    await using provider = await startMisbehavingProvider();
    const server = await start(provider);
    const browser = openBrowser(server.app);
    const { state, nonce } = await leave(browser, `/login/bad?${new URLSearchParams({ returnTo })}`);
    provider.expectNonce(nonce);
    const response = await browser.visit(answerOf(provider, state), "cross-site");
    expect(response.headers.location).toBe("/");
    await server.close();
  });

  it("leaves no cookie when no sign-in began", async () => {
    await using provider = await startMisbehavingProvider();
    provider.behave({ metadata: { issuer: "https://evil.example" } });
    const server = await start(provider);
    const browser = openBrowser(server.app);
    await browser.visit("/login/bad");
    expect(browser.ours.names()).toEqual([]);
    await server.close();
  });

  it("is kept for four sign-ins at once in one browser", async () => {
    await using provider = await startMisbehavingProvider();
    const server = await start(provider);
    const browser = openBrowser(server.app);
    for (let begun = 0; begun < 9; begun++) await leave(browser);
    expect(browser.ours.names().length).toBeLessThanOrEqual(4);
    await server.close();
  });

  it("is kept for the next attempt when the sign-in is refused", async () => {
    await using provider = await startMisbehavingProvider();
    const server = await start(provider);
    const browser = openBrowser(server.app);
    const { state } = await leave(browser, "/login/bad?returnTo=/interaction/abc");
    const back = answerOf(provider, state, { code: null, error: "access_denied" });
    const response = await browser.visit(back, "cross-site");
    expect(response.headers.location).toBe("/sign-in?problem=cancelled&provider=bad&return=%2Finteraction%2Fabc");
    await server.close();
  });

  it("is the sign-in page for an unknown provider, whose name is not repeated, without an audit entry [S92]", async () => {
    await using provider = await startMisbehavingProvider();
    const server = await start(provider);
    for (const path of ["/login/nobody", "/login/__proto__", "/login/nobody/callback?state=x"]) {
      const response = await openBrowser(server.app).visit(path);
      expect([response.statusCode, response.headers.location]).toEqual([303, "/sign-in?problem=unknown_provider"]);
    }
    const entries = await server.domain.audit.list({ limit: 100 });
    expect(entries.filter(({ detail }) => detail["problem"] === "unknown_provider")).toEqual([]);
    await server.close();
  });
});
