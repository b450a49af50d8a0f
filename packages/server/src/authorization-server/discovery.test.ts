import { connect as connectSocket } from "node:net";
import { text } from "node:stream/consumers";
import { createLocalJWKSet, createRemoteJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from "jose";
import { sql } from "kysely";
import * as oauth from "oauth4webapi";
import * as client from "openid-client";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { testSource } from "../testing.ts";
import {
  basic,
  callback,
  callWith,
  connect,
  post,
  refusalOf,
  registerClient,
  type Server,
  signedInBrowser,
  startAuthorizationServer,
} from "./testing.ts";

let server: Server;
beforeAll(async () => {
  server = await startAuthorizationServer({ config: { registration: "open" } });
});
afterAll(() => server.close());
afterEach(() => {
  vi.useRealTimers();
});

const json = async (url: string) => (await (await fetch(url)).json()) as Record<string, unknown>;

describe("the metadata", () => {
  it("[S15] is the same at both URLs, and accepted by a certified client", async () => {
    const issuer = new URL(server.url);
    for (const algorithm of ["oidc", "oauth2"] as const) {
      const response = await oauth.discoveryRequest(issuer, { algorithm, [oauth.allowInsecureRequests]: true });
      const metadata = await oauth.processDiscoveryResponse(issuer, response);
      expect(metadata.issuer).toBe(server.config.publicUrl);
    }
    expect(await json(`${server.url}/.well-known/openid-configuration`)).toEqual(
      await json(`${server.url}/.well-known/oauth-authorization-server`),
    );
  });

  it("[S4] [S6] [S11] [S12] [S13] [S14] [S20] [S21] [S33] states what the server supports", async () => {
    const metadata = await json(`${server.url}/.well-known/openid-configuration`);
    expect(metadata).toMatchObject({
      issuer: server.config.publicUrl,
      code_challenge_methods_supported: ["S256"],
      response_types_supported: ["code"],
      response_modes_supported: ["form_post", "fragment", "query"],
      grant_types_supported: [
        "authorization_code",
        "refresh_token",
        "client_credentials",
        "urn:ietf:params:oauth:grant-type:device_code",
      ],
      token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
      id_token_signing_alg_values_supported: ["ES256", "RS256"],
      dpop_signing_alg_values_supported: ["ES256", "EdDSA", "Ed25519"],
      authorization_response_iss_parameter_supported: true,
      backchannel_logout_supported: true,
      scopes_supported: expect.arrayContaining(["openid", "profile:read"]),
      subject_types_supported: ["public"],
    });
    // Every URL in it exists.
    for (const [name, value] of Object.entries(metadata)) {
      if (!name.endsWith("_endpoint") && name !== "jwks_uri") continue;
      expect(String(value)).toMatch(new RegExp(`^${server.config.publicUrl}/`));
      expect([name, (await fetch(String(value), { method: "OPTIONS" })).status]).toEqual([
        name,
        expect.not.stringMatching("404"),
      ]);
      const asked = await fetch(String(value), { redirect: "manual" });
      expect([name, asked.status]).toEqual([name, expect.toBeOneOf([200, 400, 401, 404, 405])]);
      if (name !== "registration_endpoint") expect(asked.status).not.toBe(404);
    }
  });

  it("[S15] names the keys that verify issued tokens", async () => {
    const app = await registerClient(server);
    const browser = await signedInBrowser(server);
    const tokens = await connect(browser, app.config);
    const keys = createRemoteJWKSet(new URL(String(app.config.serverMetadata().jwks_uri)));
    const issuer = server.config.publicUrl;
    const access = await jwtVerify(tokens.access_token, keys, { issuer, audience: issuer, typ: "at+jwt" });
    const identity = await jwtVerify(String(tokens.id_token), keys, { issuer, audience: app.id });
    expect(access.payload.sub).toBe(identity.payload.sub);
    // OpenID Connect Core §15.1: RS256 unless the client registered for another.
    expect(identity.protectedHeader.alg).toBe("RS256");
    expect(access.protectedHeader.alg).toBe("ES256");
    const published = (await json(`${server.url}/jwks`)) as unknown as JSONWebKeySet;
    for (const key of published.keys) expect(Object.keys(key)).not.toContain("d");
  });
});

it("signs ID tokens with ES256 for a client that registered for it", async () => {
  const config = await client.dynamicClientRegistration(
    new URL(server.url),
    { redirect_uris: [callback], id_token_signed_response_alg: "ES256" },
    undefined,
    { execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks] },
  );
  const browser = await signedInBrowser(server);
  const tokens = await connect(browser, config);
  expect(decodeProtectedHeader(String(tokens.id_token)).alg).toBe("ES256");
});

describe("[S50] when keys are rotated", () => {
  it("earlier tokens stay valid until they expire, and new ones are signed with the new key", async () => {
    const start = Date.now();
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(start);
    await using server = await startAuthorizationServer({ now: () => Date.now() });
    const app = await registerClient(server);
    const browser = await signedInBrowser(server);
    const before = await connect(browser, app.config);
    const published = async () => {
      const { keys } = (await json(`${server.url}/jwks`)) as unknown as JSONWebKeySet;
      return { kids: keys.map(({ kid }) => kid), verify: createLocalJWKSet({ keys }) };
    };
    const kidsOf = ({ access_token, id_token }: { access_token: string; id_token?: string | undefined }) =>
      [access_token, String(id_token)].map((token) => decodeProtectedHeader(token).kid);
    const oldKeys = kidsOf(before);
    const { keyring } = server.domain;
    const newKeys = [await keyring.rotate(testSource, "ES256"), await keyring.rotate(testSource, "RS256")];

    // They are published before they sign.
    expect((await published()).kids).toEqual(expect.arrayContaining([...oldKeys, ...newKeys]));
    const meanwhile = await client.refreshTokenGrant(app.config, before.refresh_token ?? "");
    expect(kidsOf(meanwhile)).toEqual(oldKeys);

    vi.setSystemTime(start + 5 * 60_000 + 1000);
    const after = await client.refreshTokenGrant(app.config, meanwhile.refresh_token ?? "");
    expect(kidsOf(after)).toEqual(newKeys);
    const { verify } = await published();
    for (const { access_token, id_token } of [before, meanwhile, after]) {
      expect((await callWith(server, "/users/me", access_token)).status).toBe(200);
      for (const token of [access_token, String(id_token)]) {
        await jwtVerify(token, verify, { issuer: server.config.publicUrl, currentDate: new Date() });
      }
    }
    // The whole flow, with earlier cookies and the earlier hint.
    const silent = await connect(browser, app.config, { prompt: "none", id_token_hint: String(before.id_token) });
    expect(kidsOf(silent)).toEqual(newKeys);
    expect(await client.tokenIntrospection(app.config, before.access_token)).toMatchObject({ active: true });

    // After retirement, its tokens are refused.
    for (const key of oldKeys) await keyring.retire(String(key), testSource);
    expect((await callWith(server, "/users/me", before.access_token)).status).toBe(401);
    expect((await callWith(server, "/users/me", after.access_token)).status).toBe(200);
    for (const key of oldKeys) expect((await published()).kids).not.toContain(key);
  });
});

describe("[S17] a page of another origin", () => {
  const origin = "https://photos.example";
  const requested = "authorization,content-type,dpop,mcp-protocol-version,x-requested-with,traceparent,baggage";
  const preflight = async (path: string, method = "POST") => {
    const response = await fetch(`${server.url}${path}`, {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": method,
        "access-control-request-headers": requested,
      },
    });
    if (response.headers.has("access-control-allow-origin")) {
      // Any header is allowed, but no cookie.
      expect([path, response.headers.get("access-control-allow-headers")]).toEqual([path, requested]);
      expect([path, response.headers.get("access-control-allow-credentials")]).toEqual([path, null]);
    }
    return response.headers.get("access-control-allow-origin");
  };

  it("can call the token endpoint, the metadata, the keys and registration", async () => {
    for (const path of ["/token", "/register", "/userinfo"]) expect([path, await preflight(path)]).toEqual([path, "*"]);
    for (const path of ["/revoke", "/introspect", "/par", "/device/authorize"])
      expect([path, await preflight(path)]).toEqual([path, origin]);
    for (const path of ["/users/me", "/api/album"]) expect([path, await preflight(path, "GET")]).toEqual([path, "*"]);
    for (const path of [
      "/.well-known/openid-configuration",
      "/.well-known/oauth-authorization-server",
      "/.well-known/oauth-protected-resource",
      "/jwks",
    ]) {
      const response = await fetch(`${server.url}${path}`, { headers: { origin } });
      expect([path, response.headers.get("access-control-allow-origin")]).toEqual([path, "*"]);
      expect([path, await preflight(path, "GET")]).toEqual([path, "*"]);
    }
  });

  it("can read refusals", async () => {
    const { status, headers } = await post(
      server,
      "/token",
      { grant_type: "refresh_token", client_id: "x" },
      { origin },
    );
    expect([status, headers.get("access-control-allow-origin")]).toEqual([401, "*"]);
    const userinfo = await fetch(`${server.url}/userinfo`, { headers: { origin, authorization: "Bearer x" } });
    expect([userinfo.status, userinfo.headers.get("access-control-allow-origin")]).toEqual([401, "*"]);
    const refused: [string, RequestInit, number][] = [
      ["/users/me", {}, 401],
      ["/users/me", { headers: { authorization: "Bearer x" } }, 401],
      ["/users/me", { method: "PUT" }, 405],
      ["/token", {}, 405],
      ["/token", { method: "POST", body: "{}", headers: { "content-type": "application/json" } }, 400],
      ["/token", { method: "POST", body: new URLSearchParams({ x: "x".repeat(200_000) }) }, 413],
      ["/register", { method: "POST", body: "{" }, 400],
      ["/register", {}, 405],
      ["/register", { method: "POST", body: "x".repeat(100_000) }, 413],
      ...["/introspect", "/revoke", "/par", "/device/authorize"].flatMap((path): typeof refused => [
        [path, {}, 405],
        [path, { method: "POST", body: "x".repeat(60_000) }, 413],
        [path, { method: "POST", body: new URLSearchParams({ x: "\0" }) }, 400],
      ]),
      ["/introspect", { method: "POST", body: new URLSearchParams({ client_id: "x", token: "x" }) }, 401],
      ["/revoke", { method: "POST", body: new URLSearchParams({ client_id: "x", token: "x" }) }, 401],
      ["/par", { method: "POST", body: new URLSearchParams({ state: "x".repeat(40_000) }) }, 413],
      ["/par", { method: "POST", body: new URLSearchParams({ client_id: "x" }) }, 401],
      ["/device/authorize", { method: "POST", body: new URLSearchParams({ client_id: "x" }) }, 401],
    ];
    for (const [path, init, expected] of refused) {
      const response = await fetch(`${server.url}${path}`, { ...init, headers: { ...init.headers, origin } });
      const allowed = response.headers.get("access-control-allow-origin");
      expect([path, response.status, allowed]).toEqual([
        path,
        expected,
        expect.stringMatching(/^(\*|https:..photos.example)$/),
      ]);
    }
  });

  it("can read that its request took too long", async () => {
    await using slow = await startAuthorizationServer({
      world: { requestTimeoutMs: 300 },
      config: { registration: "open" },
    });
    const allowedOf = async (path: string) => {
      const socket = connectSocket(Number(new URL(slow.url).port), "localhost");
      const head = [`POST ${path} HTTP/1.1`, "host: localhost", `origin: ${origin}`, "content-length: 99"];
      const type = /^.(users|register|trpc)/.test(path) ? "application/json" : "application/x-www-form-urlencoded";
      socket.write(`${[...head, `content-type: ${type}`].join("\r\n")}\r\n\r\n{`);
      const answer = await text(socket);
      expect([path, answer.slice(0, 12)]).toEqual([path, "HTTP/1.1 408"]);
      return /^access-control-allow-origin: (.*)\r$/m.exec(answer)?.[1] ?? null;
    };
    const open = [
      "/token",
      "/userinfo",
      "/users/me",
      "/register",
      "/introspect",
      "/revoke",
      "/par",
      "/device/authorize",
    ];
    const closed = ["/authorize", "/logout", "/device", "/trpc/auth.login"];
    const found = await Promise.all([...open, ...closed].map(async (path) => [path, await allowedOf(path)]));
    expect(found).toEqual([...open.map((path) => [path, "*"]), ...closed.map((path) => [path, null])]);
  });

  it("can read an internal error", async () => {
    await using broken = await startAuthorizationServer({ config: { registration: "open" } });
    await fetch(`${broken.url}/.well-known/openid-configuration`);
    for (const table of ["sessions", "applications", "signing_keys"])
      await sql`alter table ${sql.table(table)} rename to ${sql.table(`${table}_lost`)}`.execute(broken.db);
    const form = (body: Record<string, string>) => ({ method: "POST", body: new URLSearchParams(body) });
    const json = (body: object) => ({
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const empty = { headers: basic("x", "") };
    const calls: [string, RequestInit][] = [
      ["/token", form({ grant_type: "refresh_token", client_id: "x" })],
      ["/register", json({ redirect_uris: [callback] })],
      ...["/introspect", "/revoke", "/par", "/device/authorize"].flatMap((path): typeof calls => [
        // Errors of the library, and errors before it.
        [path, form({ client_id: "x" })],
        [path, { ...form({ token: "x" }), ...empty }],
      ]),
    ];
    for (const [path, init] of calls) {
      const response = await fetch(`${broken.url}${path}`, { ...init, headers: { ...init.headers, origin } });
      const allowed = response.headers.get("access-control-allow-origin");
      expect([path, response.status, allowed]).toEqual([
        path,
        500,
        expect.stringMatching(/^(\*|https:..photos.example)$/),
      ]);
    }
  });

  it("cannot read the authorization endpoint", async () => {
    for (const path of ["/authorize", "/device", "/logout", "/logout/confirm"]) {
      expect([path, await preflight(path)]).toEqual([path, null]);
      const response = await fetch(`${server.url}${path}`, { headers: { origin }, redirect: "manual" });
      expect([path, response.headers.get("access-control-allow-origin")]).toEqual([path, null]);
    }
  });

  it("can revoke and push for a public client of this very origin", async () => {
    const inBrowser = await registerClient(server, { kind: "browser" });
    const onServer = await registerClient(server);
    for (const path of ["/revoke", "/introspect"]) {
      const own = await post(server, path, { client_id: inBrowser.id, token: "x" }, { origin });
      expect([own.status, own.headers.get("access-control-allow-origin")]).toEqual([200, origin]);
      const foreign = await post(
        server,
        path,
        { client_id: inBrowser.id, token: "x" },
        { origin: "https://evil.example" },
      );
      expect([foreign.status, foreign.headers.get("access-control-allow-origin")]).toEqual([400, null]);
      const kept = await post(server, path, { token: "x" }, { origin, ...basic(onServer.id, onServer.secret) });
      expect([kept.status, kept.headers.get("access-control-allow-origin")]).toEqual([400, null]);
    }
  });
});

it("[S22] a browser client completes code, refresh and revocation from another origin", async () => {
  const { config } = await registerClient(server, { kind: "browser" });
  config[client.customFetch] = (url, options) =>
    fetch(url, { ...options, headers: { ...options.headers, origin: new URL(callback).origin } } as RequestInit);
  const browser = await signedInBrowser(server);
  const tokens = await connect(browser, config);
  const next = await client.refreshTokenGrant(config, tokens.refresh_token ?? "");
  await client.tokenRevocation(config, next.refresh_token ?? "");
  expect(await refusalOf(client.refreshTokenGrant(config, next.refresh_token ?? ""))).toBe("invalid_grant");
});
