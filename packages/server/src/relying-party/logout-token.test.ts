// Logout tokens, which anybody can send. @see OpenID Connect Back-Channel Logout 1.0 §2.6

import { generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { misbehavingClient, startMisbehavingProvider } from "../../test/misbehaving-provider.ts";
import { completeOnly } from "../domain/sessions/sign-in.ts";
import { startTestServer, type TestServer, testSource } from "../testing.ts";
import { parseIdentityProviders } from "./identity-provider-settings.ts";

const event = "http://schemas.openid.net/event/backchannel-logout";

describe("[S60] a logout token", () => {
  let provider: Awaited<ReturnType<typeof startMisbehavingProvider>>;
  let server: TestServer;
  let ids = 0;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    const parsed = parseIdentityProviders(
      JSON.stringify({ bad: { issuer: provider.issuer, ...misbehavingClient, allowPrivateAddresses: true } }),
    );
    if ("faults" in parsed) throw new Error(parsed.faults.join());
    server = await startTestServer({ config: { providers: parsed.providers } });
  });
  afterAll(async () => {
    await server?.close();
    await provider?.[Symbol.asyncDispose]();
  });

  /** A person who signed in with an identity provider. */
  const signIn = async () => {
    const [rules] = server.config.providers;
    if (!rules) throw new Error("There is no identity provider");
    const identity = {
      issuer: provider.issuer,
      subject: "nadia",
      email: null,
      emailVerified: false,
      fullName: null,
      username: "nadia",
    };
    const providerSession = { sessionId: "there", idToken: null };
    const verified = { rules, identity, providerSession, authenticatedAt: null };
    return completeOnly(await server.domain.identitySignIn.signIn(verified, testSource)).session.id;
  };

  const claimsNow = () => {
    const now = Math.floor(Date.now() / 1000);
    return {
      iss: provider.issuer,
      aud: misbehavingClient.clientId,
      iat: now,
      exp: now + 120,
      jti: `logout ${++ids}`,
      sub: "nadia",
      events: { [event]: {} },
    };
  };
  const header = { alg: "ES256", kid: "first", typ: "logout+jwt" };

  const send = async (token: string, name = "bad") => {
    const response = await server.app.inject({
      method: "POST",
      url: `/login/${name}/backchannel-logout`,
      headers: { "content-type": "application/x-www-form-urlencoded" },
      payload: new URLSearchParams({ logout_token: token }).toString(),
    });
    expect(response.headers["cache-control"]).toBe("no-store");
    return response.statusCode;
  };
  const isLive = async (sessionId: string) => (await server.domain.sessions.findLive(sessionId)) !== null;

  it("ends the sessions of its subject, or the session that it names", async () => {
    for (const who of [{ sub: "nadia" }, { sub: "nadia", sid: "there" }, { sid: "there" }]) {
      const session = await signIn();
      const { sub: _, ...claims } = claimsNow();
      expect(await send(await provider.signWith({ ...claims, ...who }, header))).toBe(200);
      expect(await isLive(session)).toBe(false);
    }
  });

  it("is refused the second time", async () => {
    const token = await provider.signWith(claimsNow(), header);
    expect(await send(token)).toBe(200);
    const session = await signIn();
    expect(await send(token)).toBe(400);
    expect(await isLive(session)).toBe(true);
  });

  const seconds = () => Math.floor(Date.now() / 1000);
  it.each<[string, Record<string, unknown> | (() => Record<string, unknown>), object?]>([
    ["with a nonce, as an ID token has", { nonce: "x" }],
    ["of the type of an ID token", {}, { typ: "JWT" }],
    ["of no type", {}, { typ: undefined }],
    ["about no logout", { events: {} }],
    ["about another event", { events: { "https://example.org/event": {} } }],
    ["whose event is no object", { events: { [event]: true } }],
    ["without events", { events: undefined }],
    ["without an id", { jti: undefined }],
    ["without a time", { iat: undefined }],
    ["of more than two minutes ago", () => ({ iat: seconds() - 130, exp: seconds() + 600 })],
    ["that has expired", () => ({ iat: seconds() - 60, exp: seconds() - 30 })],
    ["of another issuer", { iss: "https://evil.example" }],
    ["for another client", { aud: "somebody-else" }],
    ["about nobody", { sub: undefined }],
  ])("is refused %s", async (_name, change, changedHeader = {}) => {
    const session = await signIn();
    const claims = { ...claimsNow(), ...(typeof change === "function" ? change() : change) };
    expect(await send(await provider.signWith(claims, { ...header, ...changedHeader }))).toBe(400);
    expect(await isLive(session)).toBe(true);
  });

  it("is refused when it is unsigned, or signed by another party", async () => {
    const session = await signIn();
    const { privateKey } = await generateKeyPair("ES256");
    const forged = await new SignJWT(claimsNow()).setProtectedHeader(header).sign(privateKey);
    const symmetric = await new SignJWT(claimsNow())
      .setProtectedHeader({ alg: "HS256", typ: "logout+jwt" })
      .sign(new TextEncoder().encode(misbehavingClient.clientSecret));
    for (const token of [forged, symmetric, new UnsecuredJWT(claimsNow()).encode(), "x", ""])
      expect(await send(token)).toBe(400);
    expect(await send(await provider.signWith(claimsNow(), header), "nobody")).toBe(400);
    expect(await isLive(session)).toBe(true);
  });
});
