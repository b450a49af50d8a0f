// What a client can do with its grant at our API, over REST and RPC.

import { operationsOf } from "@lockstep/kit";
import * as client from "openid-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fixtureContract } from "../fixture-app.ts";
import { testSource } from "../testing.ts";
import {
  addPerson,
  type Browser,
  callWith,
  connect,
  registerClient,
  type Server,
  signedInBrowser,
  startAuthorizationServer,
} from "./testing.ts";

let server: Server;
let app: Awaited<ReturnType<typeof registerClient>>;
let browser: Browser;
let tokens: Awaited<ReturnType<typeof connect>>;

beforeAll(async () => {
  server = await startAuthorizationServer();
  app = await registerClient(server, { scopes: ["profile:read", "profile:write", "photos:read"] });
  browser = await signedInBrowser(server);
  tokens = await connect(browser, app.config);
});
afterAll(() => server.close());

const rpc = async (path: string, accessToken: string, init: RequestInit = {}) => {
  const response = await fetch(`${server.url}/trpc/${path}`, {
    ...init,
    headers: { authorization: `Bearer ${accessToken}`, "content-type": "application/json" },
  });
  const body = (await response.json()) as { error?: { data: { code: string } } };
  return {
    status: response.status,
    code: body.error?.data.code ?? "OK",
    challenge: response.headers.get("www-authenticate"),
  };
};

describe("an access token of a client", () => {
  it("[S38] allows what was granted, over REST and RPC, and a refusal names the missing scopes", async () => {
    expect(await callWith(server, "/users/me", tokens.access_token)).toMatchObject({ status: 200 });
    expect(await rpc("user.me", tokens.access_token)).toMatchObject({ status: 200 });
    const challenge = expect.stringContaining('error="insufficient_scope", scope="photos:read"');
    const refused = { status: 403, code: "INSUFFICIENT_SCOPE", challenge };
    expect(await callWith(server, "/api/album", tokens.access_token)).toMatchObject(refused);
    expect(await rpc("photo.album", tokens.access_token)).toMatchObject(refused);
    expect(await rpc("user.update", tokens.access_token, { method: "POST", body: "{}" })).toMatchObject({
      code: "INSUFFICIENT_SCOPE",
    });
  });

  it("[S51] [S53] allows no first-party operation, whatever was granted", async () => {
    const everything = await connect(browser, app.config, {
      scope: "openid profile email profile:read profile:write photos:read",
      prompt: "consent",
    });
    let asked = 0;
    for (const [path, { kind, access }] of operationsOf(fixtureContract.operations)) {
      if (access.kind !== "firstParty" || kind === "subscription") continue;
      asked++;
      const init = kind === "mutation" ? { method: "POST", body: "{}" } : {};
      expect([path, await rpc(path, everything.access_token, init)]).toEqual([
        path,
        expect.objectContaining({ status: 403, code: "FIRST_PARTY_ONLY" }),
      ]);
    }
    expect(asked).toBeGreaterThan(10);
    expect(await callWith(server, "/users/me/sessions", everything.access_token)).toMatchObject({ status: 403 });
    expect(await callWith(server, "/users/me/grants", everything.access_token)).toMatchObject({ status: 403 });
  });

  it("[S51] acts only for the person who granted it", async () => {
    await addPerson(server, "mary");
    const marys = await signedInBrowser(server, "mary");
    const hers = await connect(marys, app.config);
    expect((await callWith(server, "/users/me", hers.access_token)).body).toMatchObject({ username: "mary" });
    expect((await callWith(server, "/users/me", tokens.access_token)).body).toMatchObject({ username: "john" });
    expect(hers.claims()?.sub).not.toBe(tokens.claims()?.sub);
  });

  it("[S44] is the only token that is accepted: not an ID token, a refresh token or a code", async () => {
    for (const other of [tokens.id_token, tokens.refresh_token, "x", `${tokens.access_token}x`]) {
      const { status, challenge } = await callWith(server, "/users/me", other ?? "");
      expect([status, challenge]).toEqual([401, expect.stringContaining('error="invalid_token"')]);
    }
  });

  it("[S45] [S46] has the claims of RFC 9068", async () => {
    const { header, claims } = decode(tokens.access_token);
    expect(header).toMatchObject({ typ: "at+jwt", alg: "ES256", kid: expect.any(String) });
    expect(claims).toMatchObject({
      iss: server.config.publicUrl,
      aud: server.config.publicUrl,
      sub: tokens.claims()?.sub,
      client_id: app.id,
      exp: expect.any(Number),
      iat: expect.any(Number),
      jti: expect.any(String),
      scope: "openid profile profile:read",
    });
    expect(Number(claims["exp"]) - Number(claims["iat"])).toBe(600);
  });

  it("[S36] [S39] [S40] is accepted once, in the header", async () => {
    const token = tokens.access_token;
    const without = await fetch(`${server.url}/users/me`);
    expect([without.status, without.headers.get("www-authenticate")]).toEqual([
      401,
      expect.not.stringContaining("error"),
    ]);
    const inUrl = await fetch(`${server.url}/users/me?access_token=${token}`);
    expect(inUrl.status).toBe(400);
    const inBody = await fetch(`${server.url}/userinfo`, {
      method: "POST",
      body: new URLSearchParams({ access_token: token }),
    });
    expect(inBody.status).toBe(401);
    expect((await callWith(server, "/users/me", token, "bEaReR")).status).toBe(200);
  });

  it("[S43] gets the metadata's URL in every challenge, and the document names this server", async () => {
    const { challenge } = await callWith(server, "/users/me", "x");
    const [, url = ""] = /resource_metadata="([^"]+)"/.exec(challenge ?? "") ?? [];
    const response = await fetch(url);
    expect(await response.json()).toMatchObject({
      resource: server.config.publicUrl,
      authorization_servers: [server.config.publicUrl],
      scopes_supported: expect.arrayContaining(["profile:read"]),
      bearer_methods_supported: ["header"],
    });
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
  });
});

describe("[S37] [S54] the next call is refused", () => {
  /** A new person grants a client access; then `act` happens, and the next call is refused. */
  const refusedAfter = async (username: string, happening: (person: Connected) => Promise<unknown>) => {
    const { id } = await addPerson(server, username);
    const one = await registerClient(server);
    const person = await signedInBrowser(server, username);
    const tokens = await connect(person, one.config);
    expect((await callWith(server, "/users/me", tokens.access_token)).status).toBe(200);
    await happening({ id, browser: person, app: one, tokens });
    const answers = [
      await callWith(server, "/users/me", tokens.access_token),
      await callWith(server, "/api/album", tokens.access_token),
      await callWith(server, "/userinfo", tokens.access_token),
    ];
    for (const { status, challenge } of answers) {
      expect([status, challenge]).toEqual([401, expect.stringContaining('error="invalid_token"')]);
    }
    expect(await rpc("user.me", tokens.access_token)).toMatchObject({ status: 401, code: "INVALID_TOKEN" });
  };
  interface Connected {
    readonly id: string;
    readonly browser: Browser;
    readonly app: Awaited<ReturnType<typeof registerClient>>;
    readonly tokens: Awaited<ReturnType<typeof connect>>;
  }

  it("when the person revokes the grant [S28] [S29]", () =>
    refusedAfter("one", async ({ browser, app }) => {
      const { data } = await browser.rpc("grant.list", undefined, "query");
      expect(data).toEqual([
        expect.objectContaining({ client: expect.objectContaining({ id: app.id, name: "A photo app" }) }),
      ]);
      expect((await browser.rpc("grant.revoke", { clientId: app.id })).status).toBe(200);
      expect((await browser.rpc("grant.list", undefined, "query")).data).toEqual([]);
    }));

  it("when the account is disabled", () =>
    refusedAfter("two", ({ id }) => server.domain.accounts.disable(id, testSource)));

  it("when the client is deleted", () =>
    refusedAfter("three", ({ app }) => server.domain.clients.delete(app.id, "operator", testSource)));

  it("when the client revokes the token", () =>
    refusedAfter("four", ({ app, tokens }) => client.tokenRevocation(app.config, tokens.access_token)));

  it("when the client revokes the refresh token", () =>
    refusedAfter("five", ({ app, tokens }) => client.tokenRevocation(app.config, tokens.refresh_token ?? "")));

  it("and another person's grant to the same client stays", async () => {
    await addPerson(server, "six");
    const person = await signedInBrowser(server, "six");
    const theirs = await connect(person, app.config);
    expect((await person.rpc("grant.revoke", { clientId: app.id })).status).toBe(200);
    expect((await callWith(server, "/users/me", theirs.access_token)).status).toBe(401);
    expect((await callWith(server, "/users/me", tokens.access_token)).status).toBe(200);
    expect((await person.rpc("grant.revoke", { clientId: app.id })).code).toBe("CLIENT_NOT_FOUND");
    expect((await person.rpc("grant.revoke", { clientId: "\0" })).status).toBe(400);
  });
});

it("signing out of a first-party client revokes no grant", async () => {
  const person = await signedInBrowser(server);
  const granted = await connect(person, app.config, { prompt: "consent" });
  await person.rpc("auth.logout", undefined);
  expect((await callWith(server, "/users/me", granted.access_token)).status).toBe(200);
  expect((await client.refreshTokenGrant(app.config, granted.refresh_token ?? "")).access_token).toBeTruthy();
});

describe("userinfo", () => {
  it("returns what was granted", async () => {
    const [little, more] = [
      await connect(browser, app.config, { scope: "openid", prompt: "consent" }),
      await connect(browser, app.config, { scope: "openid profile email", prompt: "consent" }),
    ];
    const sub = String(little.claims()?.sub);
    expect(await client.fetchUserInfo(app.config, little.access_token, sub)).toEqual({ sub });
    expect(await client.fetchUserInfo(app.config, more.access_token, sub)).toEqual({
      sub,
      name: "John Doe",
      preferred_username: "john",
      email: "john@example.com",
      email_verified: true,
    });
  });

  it("requires `openid`, and refuses our own session", async () => {
    const plain = await connect(browser, app.config, { scope: "profile:read", prompt: "consent" });
    expect(await callWith(server, "/userinfo", plain.access_token)).toMatchObject({
      status: 403,
      challenge: expect.stringContaining('error="insufficient_scope", scope="openid"'),
    });
    expect(plain.id_token).toBeUndefined();
  });
});

const decode = (jwt: string) => {
  const [header = "", claims = ""] = jwt.split(".");
  const part = (text: string) => JSON.parse(Buffer.from(text, "base64url").toString()) as Record<string, unknown>;
  return { header: part(header), claims: part(claims) };
};
