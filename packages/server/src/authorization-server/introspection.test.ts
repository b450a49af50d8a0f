import * as client from "openid-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testSource } from "../testing.ts";
import {
  basic,
  connect,
  discover,
  photoApp,
  post,
  refusalOf,
  registerClient,
  type Server,
  signedInBrowser,
  startAuthorizationServer,
} from "./testing.ts";

let server: Server;
let app: Awaited<ReturnType<typeof registerClient>>;
let resourceServer: Awaited<ReturnType<typeof registerClient>>;

beforeAll(async () => {
  server = await startAuthorizationServer();
  app = await registerClient(server);
  resourceServer = await registerClient(server, forItself);
  await server.domain.clients.setExceptions(resourceServer.id, { mayIntrospect: true }, testSource);
});
afterAll(() => server.close());

const forItself = { kind: "service" as const, redirectUris: [], postLogoutRedirectUris: [] };

const connected = async (of = app) => {
  const browser = await signedInBrowser(server);
  return { browser, tokens: await connect(browser, of.config, { prompt: "consent" }) };
};
const inactive = { active: false };

describe("introspection", () => {
  it("returns a token's claims to its client and to a resource server", async () => {
    const { tokens } = await connected();
    const said = {
      active: true,
      client_id: app.id,
      sub: tokens.claims()?.sub,
      scope: "openid profile profile:read",
      iss: server.config.publicUrl,
      aud: server.config.publicUrl,
      token_type: "Bearer",
      exp: expect.any(Number),
    };
    expect(await client.tokenIntrospection(app.config, tokens.access_token)).toMatchObject(said);
    expect(await client.tokenIntrospection(resourceServer.config, tokens.access_token)).toMatchObject(said);
    expect(await client.tokenIntrospection(app.config, tokens.refresh_token ?? "")).toMatchObject({ active: true });
  });

  it("[S20] requires client authentication", async () => {
    const { tokens } = await connected();
    const form = { token: tokens.access_token };
    const invalidClient = { status: 401, body: { error: "invalid_client" } };
    expect(await post(server, "/introspect", form, basic(app.id, "wrong"))).toMatchObject(invalidClient);
    expect(await post(server, "/introspect", { ...form, client_id: app.id })).toMatchObject(invalidClient);
    expect(await post(server, "/introspect", form)).toMatchObject({ status: 400, body: { error: "invalid_request" } });
  });

  it("[S86] returns nothing about other clients' tokens, verified or not, without an operator's permission", async () => {
    const { tokens } = await connected();
    const john = (await server.domain.users.findByLogin("john"))?.user.id ?? "";
    const { client: app, secret } = await server.domain.clients.register(
      { ...photoApp, kind: "service", redirectUris: [], postLogoutRedirectUris: [], scopes: [] },
      { userId: john },
      testSource,
    );
    const unverified = await discover(server, app.id, secret);
    const verified = await registerClient(server, forItself);
    // It cannot authenticate, so the permission has no effect.
    const inBrowser = await registerClient(server, { kind: "browser" });
    await server.domain.clients.setExceptions(inBrowser.id, { mayIntrospect: true }, testSource);
    for (const config of [unverified, verified.config, inBrowser.config]) {
      expect(await client.tokenIntrospection(config, tokens.access_token)).toEqual(inactive);
      expect(await client.tokenIntrospection(config, tokens.refresh_token ?? "")).toEqual(inactive);
    }
  });

  it("[S37] reports tokens of revoked grants, disabled people and deleted clients as inactive", async () => {
    const introspect = (token: string | undefined) =>
      client.tokenIntrospection(resourceServer.config, token ?? "").then(({ active }) => active);

    const revoked = (await connected()).tokens;
    await client.tokenRevocation(app.config, revoked.access_token);
    expect(await introspect(revoked.access_token)).toBe(false);

    const taken = await connected();
    await taken.browser.rpc("grant.revoke", { clientId: app.id });
    expect(await introspect(taken.tokens.access_token)).toBe(false);
    expect(await introspect(taken.tokens.refresh_token)).toBe(false);

    const service = await registerClient(server, {
      kind: "service",
      redirectUris: [],
      postLogoutRedirectUris: [],
    });
    const [own, other] = [
      await client.clientCredentialsGrant(service.config),
      await client.clientCredentialsGrant(service.config),
    ];
    expect(await introspect(own.access_token)).toBe(true);
    await client.tokenRevocation(service.config, own.access_token);
    expect([await introspect(own.access_token), await introspect(other.access_token)]).toEqual([false, true]);
    await server.domain.clients.delete(service.id, "operator", testSource);
    expect(await introspect(other.access_token)).toBe(false);

    const orphan = (await connected()).tokens;
    const john = (await server.domain.users.findByLogin("john"))?.user.id ?? "";
    await server.domain.accounts.disable(john, testSource);
    expect(await introspect(orphan.access_token)).toBe(false);
    expect(await introspect(orphan.refresh_token)).toBe(false);
    await server.domain.accounts.enable(john, testSource);
  });

  it("[S49] reports everything but clients' access tokens as inactive", async () => {
    const { tokens } = await connected();
    const own = await post(server, "/token", { username: "john", password: "secret" });
    const others = [own.body["access_token"], own.body["refresh_token"], tokens.id_token, "x", "a.b.c", "unknown"];
    for (const token of others) {
      expect(await client.tokenIntrospection(resourceServer.config, String(token))).toEqual(inactive);
    }
  });
});

describe("revocation", () => {
  it("of a refresh token ends everything that was granted with it, with an empty response", async () => {
    const { tokens } = await connected();
    const answer = await post(server, "/revoke", { token: tokens.refresh_token ?? "" }, basic(app.id, app.secret));
    expect([answer.status, answer.text, answer.headers.get("content-type")]).toEqual([200, "", null]);
    expect(await client.tokenIntrospection(app.config, tokens.access_token)).toEqual(inactive);
    expect(await refusalOf(client.refreshTokenGrant(app.config, tokens.refresh_token ?? ""))).toBe("invalid_grant");
  });

  it("of an unknown token succeeds (RFC 7009 §2.2)", async () => {
    for (const token of ["x", "a.b.c", "unknown", "\0"]) {
      expect((await post(server, "/revoke", { token }, basic(app.id, app.secret))).status).toBe(200);
    }
  });

  it("[S20] requires authentication of the token's client", async () => {
    const { tokens } = await connected();
    const other = await registerClient(server);
    for (const token of [tokens.access_token, tokens.refresh_token ?? ""]) {
      expect(await refusalOf(client.tokenRevocation(other.config, token))).toBe("invalid_request");
      expect(await post(server, "/revoke", { token }, basic(app.id, "wrong"))).toMatchObject({ status: 401 });
      expect(await post(server, "/revoke", { token, client_id: app.id })).toMatchObject({ status: 401 });
    }
    expect(await client.tokenIntrospection(app.config, tokens.access_token)).toMatchObject({ active: true });
    expect(await refusalOf(client.refreshTokenGrant(app.config, tokens.refresh_token ?? ""))).toBeNull();
  });

  it("accepts a body in chunks, without a length", async () => {
    const { tokens } = await connected();
    const body = new Blob([`token=${tokens.refresh_token}`]).stream();
    const headers = { "content-type": "application/x-www-form-urlencoded", ...basic(app.id, app.secret) };
    const init = { method: "POST", body, headers, duplex: "half" };
    expect((await fetch(`${server.url}/revoke`, init as RequestInit)).status).toBe(200);
    expect(await refusalOf(client.refreshTokenGrant(app.config, tokens.refresh_token ?? ""))).toBe("invalid_grant");
  });
});

describe("a client that acts for itself", () => {
  it("gets a token without a person, with which operations for a person are refused", async () => {
    const { access_token, refresh_token, scope } = await client.clientCredentialsGrant(resourceServer.config, {
      scope: "profile:read",
    });
    expect([refresh_token, scope]).toEqual([undefined, "profile:read"]);
    const call = async (path: string) => {
      const response = await fetch(`${server.url}${path}`, { headers: { authorization: `Bearer ${access_token}` } });
      return [response.status, ((await response.json()) as { code?: string }).code];
    };
    expect(await call("/users/me")).toEqual([403, "USER_REQUIRED"]);
    expect(await call("/users/me/sessions")).toEqual([403, "FIRST_PARTY_ONLY"]);
    expect((await call("/userinfo"))[0]).toBe(403);
    await client.tokenRevocation(resourceServer.config, access_token);
    expect(await call("/users/me")).toEqual([401, "INVALID_TOKEN"]);
  });

  it("[S14] gets its registered scopes, and only if it registered for the grant type", async () => {
    const asked = (config: client.Configuration, scope: string) =>
      refusalOf(client.clientCredentialsGrant(config, { scope }));
    expect(await asked(resourceServer.config, "profile:write")).toBe("invalid_scope");
    expect(await asked(resourceServer.config, "openid")).toBe("invalid_scope");
    expect(await asked(app.config, "profile:read")).toMatch(/unauthorized_client|invalid_request/);
    const inBrowser = await registerClient(server, { kind: "browser" });
    expect(await asked(inBrowser.config, "profile:read")).toMatch(/unauthorized_client|invalid_request/);
  });

  it("[S19] has an ID that it cannot choose, and that is no user's", async () => {
    const ids = (await server.db.selectFrom("users").select("id").execute()).map(({ id }) => id);
    expect(ids).not.toContain(resourceServer.id);
    expect(resourceServer.id).toMatch(/^[\w-]{22}$/);
  });

  it("is refused at the next call after it was deleted", async () => {
    const service = await registerClient(server, {
      kind: "service",
      redirectUris: [],
      postLogoutRedirectUris: [],
    });
    const { access_token } = await client.clientCredentialsGrant(service.config);
    await server.domain.clients.delete(service.id, "operator", testSource);
    const response = await fetch(`${server.url}/users/me`, { headers: { authorization: `Bearer ${access_token}` } });
    expect(response.status).toBe(401);
  });
});
