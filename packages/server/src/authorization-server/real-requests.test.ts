// Requests that differ between real client libraries, sent by hand.

import { exportJWK, generateKeyPair, SignJWT } from "jose";
import * as client from "openid-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testSource } from "../testing.ts";
import {
  type Browser,
  basic,
  beginAuthorization,
  callback,
  connect,
  post,
  refusalOf,
  registerClient,
  type Server,
  shownBy,
  signedInBrowser,
  startAuthorizationServer,
} from "./testing.ts";

let server: Server;
let browser: Browser;
beforeAll(async () => {
  server = await startAuthorizationServer({ config: { registration: "open" } });
  browser = await signedInBrowser(server);
});
afterAll(() => server.close());

/** The outcome of a changed request: an error, or the question for consent. */
const outcomeOf = async (config: client.Configuration, change: Record<string, string | null>) => {
  const { url } = await beginAuthorization(config);
  for (const [name, value] of Object.entries(change)) {
    if (value === null) url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  const reached = (await browser.follow(url)).url;
  return { error: reached.searchParams.get("error"), asked: reached.pathname.startsWith("/interaction/"), reached };
};

const register = async (metadata: Record<string, unknown>) => {
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${server.url}/register`, { method: "POST", headers, body: JSON.stringify(metadata) });
  return (await response.json()) as Record<string, string>;
};

describe("offline_access", () => {
  const scope = "openid profile:read offline_access";

  it("is granted without prompt=consent and returned, and a refresh may repeat the whole scope (RFC 6749 §6)", async () => {
    const { config } = await registerClient(server);
    const tokens = await connect(browser, config, { scope });
    expect(tokens.scope).toBe(scope);
    const next = await client.refreshTokenGrant(config, tokens.refresh_token ?? "", { scope });
    expect(next.scope).toBe(scope);
  });

  it("is granted in a pushed request too (RFC 9126)", async () => {
    const { config } = await registerClient(server);
    const { url, checks } = await beginAuthorization(config, { scope });
    const pushed = await client.buildAuthorizationUrlWithPAR(config, url.searchParams);
    const tokens = await client.authorizationCodeGrant(config, await browser.allow(pushed), checks);
    expect(tokens.scope).toBe(scope);
  });

  it("is shown on the consent page", async () => {
    const { config } = await registerClient(server);
    const { reached } = await outcomeOf(config, { scope });
    const read = { authorizationId: browser.authorizationId(reached) };
    const { data } = await browser.rpc("authorization.read", read, "query");
    expect(data?.["scopes"]).toContainEqual(
      expect.objectContaining({ name: "offline_access", words: "Stay connected while you are away" }),
    );
  });

  it("is ignored where no refresh token is issued", async () => {
    const { client_id = "", client_secret = "" } = await register({
      redirect_uris: [callback],
      grant_types: ["authorization_code"],
    });
    const config = await client.discovery(new URL(server.url), client_id, client_secret, undefined, {
      execute: [client.allowInsecureRequests],
    });
    const tokens = await connect(browser, config, { scope });
    expect([tokens.scope, tokens.refresh_token]).toEqual(["openid profile:read", undefined]);
  });
});

describe("a request whose scope", () => {
  it("is missing asks for the client's registered scopes (RFC 6749 §3.3)", async () => {
    const { config } = await registerClient(server, { scopes: ["profile:read"] });
    const { url, checks } = await beginAuthorization(config, { scope: "profile:read" });
    url.searchParams.delete("scope");
    const tokens = await client.authorizationCodeGrant(config, await browser.allow(url), checks);
    expect(tokens.scope?.split(" ").sort()).toEqual(["email", "offline_access", "openid", "profile", "profile:read"]);
  });

  it("is unknown is refused before anybody is asked; unknown parts are ignored (RFC 6749 §3.3)", async () => {
    const { config } = await registerClient(server);
    const unknown = { scope: "mcp:tools files", nonce: null };
    expect(await outcomeOf(config, unknown)).toMatchObject({ error: "invalid_scope", asked: false });
    expect(await outcomeOf(config, { scope: "openid files" })).toMatchObject({ error: null, asked: true });
  });
});

describe("a public client that authenticates with Basic and an empty secret", () => {
  it("is answered as if it had sent its ID in the form, for every grant and for revocation", async () => {
    const app = await registerClient(server, { kind: "browser" });
    const tokens = await connect(browser, app.config);
    const refresh = { grant_type: "refresh_token", refresh_token: tokens.refresh_token ?? "" };
    const refreshed = await post(server, "/token", refresh, basic(app.id, ""));
    expect(refreshed.status).toBe(200);
    const encoded = basic(`${app.id.slice(0, 1)}%${app.id.charCodeAt(1).toString(16)}${app.id.slice(2)}`, "");
    const again = { ...refresh, refresh_token: String(refreshed.body["refresh_token"]), client_id: app.id };
    expect((await post(server, "/token", again, encoded)).status).toBe(200);
    expect((await post(server, "/revoke", { token: "x" }, basic(app.id, ""))).status).toBe(200);
  });

  it("[S20] cannot act as a confidential client, or as another client", async () => {
    const [app, other] = await Promise.all([registerClient(server), registerClient(server, { kind: "browser" })]);
    const refresh = { grant_type: "refresh_token", refresh_token: "x" };
    expect((await post(server, "/token", refresh, basic(app.id, ""))).status).toBe(400);
    const both = await post(server, "/token", { ...refresh, client_id: app.id }, basic(other.id, ""));
    expect(both.body["error"]).toBe("invalid_request");
  });
});

it("answers unauthorized_client for a grant that the client is not registered for (RFC 6749 §5.2)", async () => {
  const web = await registerClient(server);
  const form = { grant_type: "client_credentials" };
  const refused = await post(server, "/token", form, basic(web.id, web.secret));
  expect([refused.status, refused.body["error"]]).toEqual([400, "unauthorized_client"]);
  expect(await refusalOf(client.initiateDeviceAuthorization(web.config, {}))).toBe("unauthorized_client");
});

describe("POST", () => {
  const send = (path: string, body: string, type = "application/x-www-form-urlencoded") =>
    fetch(`${server.url}${path}`, { method: "POST", redirect: "manual", headers: { "content-type": type }, body });

  it("[S16] [S17] to /authorize becomes a GET with the same parameters (OpenID Connect Core §3.1.2.1)", async () => {
    const { config } = await registerClient(server);
    const { url, checks } = await beginAuthorization(config);
    const answer = await send("/authorize", String(url.searchParams));
    expect(answer.status).toBe(303);
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
    expect(answer.headers.get("location")).toBe(String(url));
    const back = await browser.allow(String(answer.headers.get("location")));
    expect((await client.authorizationCodeGrant(config, back, checks)).access_token).toEqual(expect.any(String));
  });

  it("to /logout asks whether to sign out (RP-Initiated Logout §2)", async () => {
    const answer = await send("/logout", "state=x%26y");
    expect([answer.status, answer.headers.get("location")]).toEqual([303, `${server.url}/logout?state=x%26y`]);
    expect(await shownBy(await browser.go(String(answer.headers.get("location"))))).toMatchObject({ page: "sign_out" });
  });

  it.each<[string, string, string, string, number]>([
    ["too large", "/authorize", `state=${"x".repeat(9000)}`, "application/x-www-form-urlencoded", 413],
    ["too large once it is encoded", "/logout", `state=${"ä".repeat(4000)}`, "application/x-www-form-urlencoded", 413],
    ["JSON", "/authorize", "{}", "application/json", 400],
    ["also a query", "/authorize?scope=openid", "state=x", "application/x-www-form-urlencoded", 400],
  ])("refuses what is %s", async (_name, path, body, type, status) => {
    const answer = await send(path, body, type);
    expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([status, "invalid_request"]);
  });
});

describe("[S4] a client that may omit PKCE", () => {
  const withoutPkce = { code_challenge: null, code_challenge_method: null };

  it("must send a nonce then, may still use PKCE, and is the only one (RFC 9700 §2.1.1)", async () => {
    const app = await registerClient(server);
    const others = await Promise.all([
      registerClient(server),
      registerClient(server, { kind: "browser" }),
      registerClient(server, { kind: "native" }),
    ]);
    for (const { config } of others) {
      expect(await outcomeOf(config, withoutPkce)).toMatchObject({ error: "invalid_request", asked: false });
    }
    await server.domain.clients.setExceptions(app.id, { mayOmitPkce: true }, testSource);
    expect(await outcomeOf(app.config, { ...withoutPkce, nonce: null })).toMatchObject({ error: "invalid_request" });
    expect(await outcomeOf(app.config, { ...withoutPkce, nonce: "" })).toMatchObject({ error: "invalid_request" });
    expect(await outcomeOf(app.config, { code_challenge_method: "plain" })).toMatchObject({ error: "invalid_request" });
    expect((await connect(browser, app.config)).access_token).toEqual(expect.any(String));
  });

  it("[S5] redeems a code that was issued without a challenge, but not with a code_verifier (RFC 9700 §4.8.2)", async () => {
    const app = await registerClient(server);
    await server.domain.clients.setExceptions(app.id, { mayOmitPkce: true }, testSource);
    const { url, checks } = await beginAuthorization(app.config);
    for (const name of Object.keys(withoutPkce)) url.searchParams.delete(name);
    const back = await browser.allow(url);
    // A verifier means that the client sent a challenge, which an attacker removed.
    expect(await refusalOf(client.authorizationCodeGrant(app.config, back, checks))).toBe("invalid_grant");
    const { pkceCodeVerifier: _, ...rest } = checks;
    expect((await client.authorizationCodeGrant(app.config, back, rest)).id_token).toEqual(expect.any(String));
  });

  it("is never a public client", async () => {
    const { id, config } = await registerClient(server, { kind: "browser" });
    await server.domain.clients.setExceptions(id, { mayOmitPkce: true }, testSource);
    expect(await outcomeOf(config, withoutPkce)).toMatchObject({ error: "invalid_request", asked: false });
  });

  it("cannot be registered over the wire", async () => {
    for (const name of ["lockstep_omits_pkce", "lockstep_asserts_to_token_endpoint"])
      expect(await register({ redirect_uris: [callback], [name]: true })).toMatchObject({
        error: "invalid_client_metadata",
      });
  });
});

describe("[S21] a client's assertion", () => {
  it("names only the issuer, lives at most five minutes, and is accepted once (OpenID Connect Core §9)", async () => {
    const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
    const keys = [{ ...(await exportJWK(publicKey)), kid: "1", alg: "ES256", use: "sig" }];
    const method = { token_endpoint_auth_method: "private_key_jwt", jwks: { keys } };
    const { client_id: id = "" } = await register({ redirect_uris: [callback], ...method });
    const issuer = server.config.publicUrl;
    const token = `${issuer}/token`;
    const assertion = (aud: string | string[], lifetimeSeconds = 60, jti: string | undefined = crypto.randomUUID()) =>
      new SignJWT({ iss: id, sub: id, aud, jti, exp: Math.floor(Date.now() / 1000) + lifetimeSeconds })
        .setProtectedHeader({ alg: "ES256", kid: "1" })
        .sign(privateKey);
    const use = async (client_assertion: string) => {
      const client_assertion_type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
      const form = { grant_type: "refresh_token", refresh_token: "x", client_assertion, client_assertion_type };
      return (await post(server, "/token", form)).body["error"];
    };
    // A known client with an unknown refresh token.
    const accepted = "invalid_grant";
    const once = await assertion(issuer);
    expect([await use(once), await use(once)]).toEqual([accepted, expect.stringMatching(/invalid_(client|request)/)]);
    for (const aud of [issuer, [issuer]]) expect(await use(await assertion(aud, 300))).toBe(accepted);
    for (const aud of [[issuer, token], [issuer, "https://other.example"], [], token, `${issuer}/`, "x"])
      expect([aud, await use(await assertion(aud))]).toEqual([aud, "invalid_client"]);
    for (const seconds of [330, 9 * 365 * 24 * 3600, -60])
      expect([seconds, await use(await assertion(issuer, seconds))]).toEqual([seconds, "invalid_client"]);

    await server.domain.clients.setExceptions(id, { assertsToTokenEndpoint: true }, testSource);
    expect(await use(await assertion(token))).toBe(accepted);
    expect(await use(await assertion([issuer, token]))).toBe("invalid_client");
  });
});
