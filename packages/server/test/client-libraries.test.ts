// Sign-in with widely used OAuth client libraries, each set up as its documentation describes. They differ in what they
// do not support: PKCE, discovery, the nonce, the scope, algorithms other than RS256.

import { auth, type OAuthClientProvider } from "@modelcontextprotocol/sdk/client/auth.js";
import type { OAuthClientInformationMixed, OAuthTokens } from "@modelcontextprotocol/sdk/shared/auth.js";
import { decodeProtectedHeader } from "jose";
import { generators, Issuer } from "openid-client-5";
import { type Profile, Strategy, type VerifyCallback } from "passport-openidconnect";
import { AuthorizationCode, ClientCredentials } from "simple-oauth2";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  type Browser,
  callback,
  callWith,
  registerClient,
  type Server,
  signedInBrowser,
  startAuthorizationServer,
} from "../src/authorization-server/testing.ts";
import { testSource } from "../src/testing.ts";

let server: Server;
let browser: Browser;
beforeAll(async () => {
  server = await startAuthorizationServer({ config: { registration: "open" } });
  browser = await signedInBrowser(server);
});
afterAll(() => server.close());

const usernameOf = async (accessToken: unknown) =>
  (await callWith(server, "/users/me", String(accessToken))).body.username;

/** A client of the kind web, as an operator registers it. */
const registerWeb = async () => {
  const { id, secret } = await registerClient(server);
  return { id, secret: secret ?? "" };
};

it("openid-client 5 discovers the server, verifies an RS256 ID token, refreshes, reads /userinfo and revokes", async () => {
  const { id, secret } = await registerWeb();
  const issuer = await Issuer.discover(server.url);
  const client = new issuer.Client({ client_id: id, client_secret: secret, redirect_uris: [callback] });
  const [code_verifier, state, nonce] = [generators.codeVerifier(), generators.state(), generators.nonce()];
  const url = client.authorizationUrl({
    scope: "openid profile profile:read offline_access",
    code_challenge: generators.codeChallenge(code_verifier),
    code_challenge_method: "S256",
    state,
    nonce,
  });
  const parameters = client.callbackParams(String(await browser.allow(url)));
  const tokens = await client.callback(callback, parameters, { code_verifier, state, nonce });
  expect(decodeProtectedHeader(tokens.id_token ?? "").alg).toBe("RS256");
  expect(tokens.claims()).toMatchObject({ preferred_username: "john", nonce });

  const next = await client.refresh(tokens);
  expect((await client.userinfo(next)).preferred_username).toBe("john");
  expect(await usernameOf(next.access_token)).toBe("john");
  await client.revoke(next.refresh_token ?? "");
  await expect(client.refresh(next)).rejects.toMatchObject({ error: "invalid_grant" });
  expect(client.endSessionUrl({ id_token_hint: next.id_token ?? tokens.id_token ?? "" })).toContain("/logout?");
});

it("[S4] passport-openidconnect signs in without PKCE once an operator lifts it, and only with a nonce", async () => {
  const { id, secret } = await registerWeb();
  const signIn = async (options: { nonce?: string }) => {
    /** The content of its session store between the two requests. */
    const session = {};
    const metadata = {
      issuer: server.config.publicUrl,
      authorizationURL: `${server.url}/authorize`,
      tokenURL: `${server.url}/token`,
      userInfoURL: `${server.url}/userinfo`,
      clientID: id,
      clientSecret: secret,
      callbackURL: callback,
      scope: ["profile", "profile:read"],
    };
    const strategy = new Strategy(
      { ...metadata, ...options },
      // The library decides by the number of parameters what to pass.
      (
        _issuer: string,
        profile: Profile,
        _context: object,
        _idToken: string | object,
        accessToken: string | object,
        _refreshToken: string,
        done: VerifyCallback,
      ) => done(null, { profile, accessToken }),
    );
    const begun = await answerOf(strategy, { session, query: {} });
    if (!("redirect" in begun)) return begun;
    const back = await browser.allow(begun.redirect);
    return answerOf(strategy, { session, query: Object.fromEntries(back.searchParams) });
  };
  const refused = { error: expect.objectContaining({ code: "invalid_request" }) };
  expect(await signIn({ nonce: "on" })).toEqual(refused);
  await server.domain.clients.setExceptions(id, { mayOmitPkce: true }, testSource);
  expect(await signIn({})).toEqual(refused);
  const answer = await signIn({ nonce: "on" });
  expect(answer).toMatchObject({ success: { profile: { username: "john", displayName: "John Doe" } } });
  expect(await usernameOf("success" in answer && answer.success["accessToken"])).toBe("john");
});

type StrategyAnswer =
  | { readonly redirect: string }
  | { readonly success: Record<string, unknown> }
  | { readonly fail: unknown }
  | { readonly error: unknown };

/** Runs a strategy as passport does: on a new object, with these four callbacks. */
const answerOf = (strategy: Strategy, request: object): Promise<StrategyAnswer> =>
  new Promise((resolve) => {
    const running: Strategy = Object.assign(Object.create(strategy), {
      redirect: (redirect: string) => resolve({ redirect }),
      success: (success: Record<string, unknown>) => resolve({ success }),
      fail: (fail: unknown) => resolve({ fail }),
      error: (error: unknown) => resolve({ error }),
    });
    running.authenticate(request as Parameters<Strategy["authenticate"]>[0]);
  });

it("simple-oauth2 gets, refreshes and revokes tokens without discovery, and acts for itself", async () => {
  const { id, secret } = await registerWeb();
  const addresses = { tokenHost: server.url, tokenPath: "/token", revokePath: "/revoke" };
  // Its default is to fail on every answer that is not JSON, such as the empty one to a revocation (RFC 7009 §2.2).
  const http = { json: true };
  const client = new AuthorizationCode({
    client: { id, secret },
    auth: { ...addresses, authorizePath: "/authorize" },
    http,
  });
  const code_verifier = generators.codeVerifier();
  const parameters = { redirect_uri: callback, scope: ["profile:read"], state: generators.state() };
  const url = client.authorizeURL({
    ...parameters,
    ...{ code_challenge: generators.codeChallenge(code_verifier), code_challenge_method: "S256" },
  });
  const back = await browser.allow(url);
  expect(back.searchParams.get("state")).toBe(parameters.state);
  const code = back.searchParams.get("code") ?? "";
  const tokens = await client.getToken({ code, redirect_uri: callback, ...{ code_verifier } });
  expect(await usernameOf(tokens.token["access_token"])).toBe("john");
  const next = await tokens.refresh();
  expect(await usernameOf(next.token["access_token"])).toBe("john");
  await next.revokeAll();
  expect(await usernameOf(next.token["access_token"])).toBeUndefined();
  await expect(next.refresh()).rejects.toMatchObject({ data: { payload: { error: "invalid_grant" } } });

  const service = await registerClient(server, { kind: "service", redirectUris: [], postLogoutRedirectUris: [] });
  const itself = { client: { id: service.id, secret: service.secret ?? "" }, auth: addresses };
  const granted = await new ClientCredentials(itself).getToken({ scope: "photos:read" });
  expect(granted.token).toMatchObject({ token_type: expect.stringMatching(/^bearer$/i), scope: "photos:read" });
});

it("the MCP SDK finds the server from the API, registers itself, uses PKCE, and refreshes", async () => {
  let registered: OAuthClientInformationMixed | undefined;
  let tokens: OAuthTokens | undefined;
  let verifier = "";
  let sentTo: URL | undefined;
  const redirectUrl = "http://127.0.0.1:33418/callback";
  const state = generators.state();
  const client: OAuthClientProvider = {
    redirectUrl,
    clientMetadata: {
      client_name: "An MCP client",
      redirect_uris: [redirectUrl],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: "none",
    },
    state: () => state,
    clientInformation: () => registered,
    saveClientInformation(information) {
      registered = information;
    },
    tokens: () => tokens,
    saveTokens(issued) {
      tokens = issued;
    },
    redirectToAuthorization(url) {
      sentTo = url;
    },
    saveCodeVerifier(codeVerifier) {
      verifier = codeVerifier;
    },
    codeVerifier: () => verifier,
  };
  // The SDK does this when a tool answers 401.
  const serverUrl = `${server.url}/users/me`;
  const refused = await fetch(serverUrl);
  const [, resourceMetadata = ""] =
    /resource_metadata="([^"]+)"/.exec(refused.headers.get("www-authenticate") ?? "") ?? [];
  const options = { serverUrl, resourceMetadataUrl: new URL(resourceMetadata) };

  expect(await auth(client, options)).toBe("REDIRECT");
  expect(sentTo?.searchParams.get("code_challenge_method")).toBe("S256");
  // It listens on a free port (RFC 8252 §7.3).
  expect(await server.domain.clients.find(String(registered?.client_id))).toMatchObject({ kind: "native" });
  const back = await browser.allow(String(sentTo));
  expect(back.searchParams.get("state")).toBe(state);
  const authorizationCode = back.searchParams.get("code") ?? "";
  expect(await auth(client, { ...options, authorizationCode })).toBe("AUTHORIZED");
  const first = tokens;
  expect(await usernameOf(first?.access_token)).toBe("john");

  expect(await auth(client, options)).toBe("AUTHORIZED");
  expect(tokens?.refresh_token).not.toBe(first?.refresh_token);
  expect(await usernameOf(tokens?.access_token)).toBe("john");
});
