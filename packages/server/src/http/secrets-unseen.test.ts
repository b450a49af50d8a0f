// A run in which people and clients use everything that is secret. None of it may be in the log, the metrics or the traces.

import { randomBytes } from "node:crypto";
import { text } from "node:stream/consumers";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import * as client from "openid-client";
import pg from "pg";
import { describe, expect, it } from "vitest";
import { codeOf } from "../../test/authenticator-app.ts";
import { openBrowser } from "../../test/browser-trip.ts";
import { callsTo } from "../../test/calls.ts";
import { startCollector } from "../../test/collector.ts";
import { engines } from "../../test/engines.ts";
import { startMailServer } from "../../test/mail-server.ts";
import { misbehavingClient, startMisbehavingProvider } from "../../test/misbehaving-provider.ts";
import {
  beginAuthorization,
  registerClient,
  signedInBrowser,
  startAuthorizationServer,
} from "../authorization-server/testing.ts";
import type { DatabaseUrl } from "../db/database.ts";
import { parseIdentityProviders } from "../relying-party/identity-provider-settings.ts";
import { john } from "../testing.ts";

const newSecret = () => randomBytes(18).toString("hex");

/** A URL with a password, which PostgreSQL checks or does not, as it is set up. */
const withPassword = async (url: DatabaseUrl, password: string) => {
  const role = `person_${randomBytes(6).toString("hex")}`;
  const administrator = new pg.Client({ connectionString: url });
  await administrator.connect();
  await administrator.query(`create role ${role} login superuser password '${password}'`);
  const own = new URL(url);
  own.username = role;
  own.password = password;
  return {
    url: own.href as DatabaseUrl,
    async drop() {
      await administrator.query(`drop owned by ${role}; drop role ${role}`);
      await administrator.end();
    },
  };
};

/** An identity provider that tells what it was sent, and what it answered. */
const startProvider = async () => {
  const provider = await startMisbehavingProvider();
  const seen = { accessToken: newSecret(), code: newSecret(), idToken: "", verifier: "" };
  let nonce = "";
  provider.behave({
    answers: {
      async "/token"(request, response) {
        seen.verifier = new URLSearchParams(await text(request)).get("code_verifier") ?? "";
        const now = Math.floor(Date.now() / 1000);
        const claims: JWTPayload = { iss: provider.issuer, aud: misbehavingClient.clientId, sub: "nadia", nonce };
        seen.idToken = await provider.signWith({ ...claims, iat: now, exp: now + 60 });
        const answer = { access_token: seen.accessToken, token_type: "Bearer", id_token: seen.idToken };
        response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
      },
    },
  });
  return {
    seen,
    issuer: provider.issuer,
    expectNonce: (next: string) => {
      nonce = next;
    },
    [Symbol.asyncDispose]: provider[Symbol.asyncDispose],
  };
};

const dpopProof = async (url: string): Promise<string> => {
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  return new SignJWT({ jti: newSecret(), htm: "GET", htu: url, iat: Math.floor(Date.now() / 1000) })
    .setProtectedHeader({ typ: "dpop+jwt", alg: "ES256", jwk: await exportJWK(publicKey) })
    .sign(privateKey);
};

describe.each(engines)("logs, metrics and traces on $engine", ({ engine, newDatabase }) => {
  it("have none of the secrets that people and clients used, whatever they did", async () => {
    const secrets = new Map<string, string>();
    const learn = (name: string, value: string | null | undefined) => {
      expect(value, name).toBeTruthy();
      secrets.set(name, value ?? "");
    };
    const learnCookies = (name: string, cookies: Record<string, { readonly value: string }>) => {
      for (const [cookie, { value }] of Object.entries(cookies)) if (value !== "") learn(`${name}: ${cookie}`, value);
    };
    const database = await newDatabase();
    const databasePassword = newSecret();
    const role = engine === "PostgreSQL" ? await withPassword(database.url, databasePassword) : null;
    if (role) learn("password of the database", databasePassword);
    const smtpPassword = newSecret();
    learn("password of the mail server", smtpPassword);
    learn("the same in Base64, as SMTP has it", Buffer.from(`\0lockstep\0${smtpPassword}`).toString("base64"));
    const metricsToken = newSecret();
    learn("metrics token", metricsToken);
    const collectorKey = newSecret();
    learn("key of the collector", collectorKey);

    await using collector = await startCollector();
    await using provider = await startProvider();
    learn("client secret at the identity provider", misbehavingClient.clientSecret);
    const smtp = await startMailServer({
      hideSTARTTLS: true,
      authOptional: false,
      allowInsecureAuth: true,
      onAuth: ({ password }, _session, done) =>
        password === smtpPassword ? done(null, { user: "lockstep" }) : done(new Error("535 wrong password")),
    });
    const mailServer = { ...smtp.mailServer, plaintext: true, login: { user: "lockstep", password: smtpPassword } };
    const entry = { issuer: provider.issuer, ...misbehavingClient, allowPrivateAddresses: true };
    const parsed = parseIdentityProviders(JSON.stringify({ outside: entry }));
    if ("faults" in parsed) throw new Error(parsed.faults.join("\n"));
    const lines: string[] = [];
    const server = await startAuthorizationServer({
      databaseUrl: role?.url ?? database.url,
      config: {
        logRequests: true,
        metrics: { token: metricsToken, listen: null },
        traces: { ...collector.settings, headers: { authorization: `Bearer ${collectorKey}` } },
        mail: { on: true, server: mailServer, from: { name: null, address: "no-reply@lockstep.example" } },
        providers: parsed.providers,
      },
      logger: { level: "trace", stream: { write: (written) => void lines.push(written) } },
    });
    learn("secret of the server", server.config.secret);
    const calls = callsTo(server.app);

    // People, with and without cookies.
    const wrong = "a wrong password of this test";
    learn("wrong password", wrong);
    await calls.mutate("auth.login", { username: john.username, password: wrong });
    const { data } = await calls.mutate("auth.login", { username: john.username, password: john.password });
    const signedIn = data as { accessToken: string; refreshToken: string; deviceToken: string };
    learn("access token", signedIn.accessToken);
    learn("refresh token", signedIn.refreshToken);
    learn("device token", signedIn.deviceToken);
    await calls.query("user.me", { token: signedIn.accessToken });
    await server.app.inject(`/trpc/user.me?access_token=${signedIn.accessToken}`);
    await server.app.inject(`/users/me?access_token=${signedIn.accessToken}`);
    const refreshed = await calls.mutate("auth.refresh", { refreshToken: signedIn.refreshToken });
    const { accessToken: token, refreshToken: next } = refreshed.data as { accessToken: string; refreshToken: string };
    learn("next access token", token);
    learn("next refresh token", next);
    const inBrowser = await calls.mutate("auth.login", {
      username: john.username,
      password: john.password,
      transport: "cookie",
    });
    learnCookies("cookie of a sign-in", inBrowser.cookies);
    const cookies = Object.fromEntries(Object.entries(inBrowser.cookies).map(([name, { value }]) => [name, value]));
    learnCookies("cookie of a refresh", (await calls.mutate("auth.refresh", {}, { cookies })).cookies);

    // By mail.
    const { data: asked } = await calls.mutate("account.register", { email: "new@example.com" });
    await expect
      .poll(() => smtp.mails.find(({ envelope }) => envelope.to.includes("new@example.com")), { timeout: 30_000 })
      .toBeDefined();
    const mail = smtp.mails.find(({ envelope }) => envelope.to.includes("new@example.com"))?.parsed.text ?? "";
    const code = /[B-Z]{4}-[B-Z]{4}/.exec(mail)?.[0] ?? "";
    learn("code of a mail", code);
    learn("code without its dash", code.replace("-", ""));
    learn("secret of a link", /#(\S+)/.exec(mail)?.[1]);
    const password = "wool lamp river stone of this test";
    learn("new password", password);
    const { proofId } = asked as { proofId: string };
    await calls.mutate("account.completeRegistration", { proofId, code, fullName: "New Person", password });

    // Through an identity provider, and once with an answer that is refused.
    const trip = openBrowser(server.app);
    for (const state of [null, "wrong"]) {
      const left = await trip.visit("/login/outside");
      const address = new URL(String(left.headers.location));
      const which = state === null ? "" : ", refused";
      learn(`state of the trip${which}`, address.searchParams.get("state"));
      learn(`nonce of the trip${which}`, address.searchParams.get("nonce"));
      for (const name of trip.ours.names()) learn(`cookie of the trip${which}: ${name}`, trip.ours.get(name));
      provider.expectNonce(address.searchParams.get("nonce") ?? "");
      const answer = { code: provider.seen.code, state: state ?? address.searchParams.get("state") ?? "" };
      const back = new URLSearchParams({ ...answer, iss: provider.issuer });
      const arrived = await trip.visit(`/login/outside/callback?${back}`, "cross-site");
      expect(String(arrived.headers.location).includes("problem=")).toBe(state !== null);
      for (const name of trip.ours.names()) learn(`cookie after the trip${which}: ${name}`, trip.ours.get(name));
    }
    learn("code of the identity provider", provider.seen.code);
    learn("access token of the identity provider", provider.seen.accessToken);
    learn("ID token of the identity provider", provider.seen.idToken);
    learn("PKCE verifier at the identity provider", provider.seen.verifier);

    // Clients.
    const { config, secret } = await registerClient(server);
    learn("client secret", secret);
    const browser = await signedInBrowser(server);
    const { url, checks } = await beginAuthorization(config, {
      scope: "openid profile:read offline_access",
      prompt: "consent",
    });
    learn("PKCE verifier", checks.pkceCodeVerifier);
    learn("state of the client", String(checks.expectedState));
    learn("nonce of the client", checks.expectedNonce);
    const back = await browser.allow(url);
    learn("authorization code", back.searchParams.get("code"));
    await server.app.inject(`/login/nobody/callback?code=${back.searchParams.get("code")}&state=x`);
    const tokens = await client.authorizationCodeGrant(config, back, checks);
    learn("access token of the client", tokens.access_token);
    learn("refresh token of the client", tokens.refresh_token);
    learn("ID token of the client", tokens.id_token);
    const later = await client.refreshTokenGrant(config, tokens.refresh_token ?? "");
    learn("next refresh token of the client", later.refresh_token);
    await client.fetchUserInfo(config, later.access_token, String(tokens.claims()?.sub));
    const proof = await dpopProof(`${server.url}/users/me`);
    learn("DPoP proof", proof);
    const headers = { authorization: `DPoP ${later.access_token}`, dpop: proof };
    await server.app.inject({ url: "/users/me", headers });

    // Second factors.
    const { data: begun } = await calls.mutate("factor.begin", { kind: "totp" }, { token });
    const { enrolmentId, secret: seed } = begun as { enrolmentId: string; secret: string };
    learn("secret of an authenticator app", seed);
    const totp = codeOf(seed, Date.now());
    await calls.mutate("factor.complete", { enrolmentId, name: "Phone", totp }, { token });
    const { data: renewed } = await calls.mutate("factor.renewRecoveryCodes", undefined, { token });
    const [recoveryCode] = (renewed as { codes: string[] }).codes;
    learn("recovery code", recoveryCode);

    const metrics = await server.app.inject({ url: "/metrics", headers: { authorization: `Bearer ${metricsToken}` } });
    expect(metrics.statusCode).toBe(200);
    // Failures are logged with their causes.
    await server.db.schema.alterTable("sessions").renameTo("gone").execute();
    expect((await calls.query("user.me", { token })).status).toBe(500);
    await server.close();
    await smtp.close();
    await role?.drop();
    await database.drop();

    const written = [...lines, metrics.body, ...collector.bodies].join("\n");
    // The run did leave traces of each of its parts.
    expect(written.match(/"msg":"request"/g)?.length).toBeGreaterThan(20);
    expect(written).toContain("a sign-in through an identity provider was refused");
    expect(written).toContain('"msg":"a mail was sent"');
    expect(written).toContain('"msg":"a call failed"');
    expect(collector.named("auth.login").length).toBeGreaterThan(2);
    expect(collector.named("SMTP").length).toBeGreaterThan(0);
    expect(collector.named("POST").length).toBeGreaterThan(0);
    expect([...secrets].filter(([, value]) => written.includes(value)).map(([name]) => name)).toEqual([]);
    expect(written).not.toContain("new@example.com");
    expect(written).not.toContain("nadia@example.org");
  });
});
