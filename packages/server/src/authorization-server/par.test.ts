import { exportJWK, generateKeyPair } from "jose";
import * as client from "openid-client";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { testSource } from "../testing.ts";
import {
  type Browser,
  basic,
  beginAuthorization,
  callback,
  callWith,
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
let browser: Browser;

beforeAll(async () => {
  server = await startAuthorizationServer({ config: { registration: "open" }, now: () => Date.now() });
  app = await registerClient(server);
  browser = await signedInBrowser(server);
});
afterAll(() => server.close());
afterEach(() => {
  vi.useRealTimers();
});

/** Pushes the parameters of a request. */
const push = async (config = app.config, parameters: Record<string, string> = {}) => {
  const { url, checks } = await beginAuthorization(config, parameters);
  url.searchParams.delete("client_id");
  return { url: await client.buildAuthorizationUrlWithPAR(config, url.searchParams), checks };
};

/** The error of a request, pushed or later; `null`: it succeeds. */
const refusedAt = async (url: URL) => {
  const { url: reached, response } = await browser.follow(url);
  const page = await shownBy(response);
  // An unverified client gets the error after a click.
  if (page?.page === "leave") return page.refusal?.error ?? null;
  return page?.page === "error" ? page.error : reached.searchParams.get("error");
};

describe("[S33] a pushed authorization request", () => {
  it("is granted like any other, once", async () => {
    const { url, checks } = await push();
    expect([...url.searchParams.keys()].toSorted()).toEqual(["client_id", "request_uri"]);
    const tokens = await client.authorizationCodeGrant(app.config, await browser.allow(url), checks);
    expect((await callWith(server, "/users/me", tokens.access_token)).status).toBe(200);
    expect(await refusedAt(url)).toMatch(/^invalid_/);
  });

  it("is refused for another client, and after it has expired", async () => {
    const other = await registerClient(server);
    const { url } = await push();
    url.searchParams.set("client_id", other.id);
    expect(await refusedAt(url)).toMatch(/^invalid_/);
    vi.useFakeTimers({ toFake: ["Date"] });
    const late = await push();
    vi.setSystemTime(Date.now() + 61_000);
    expect(await refusedAt(late.url)).toMatch(/^invalid_/);
  });

  it("cannot be changed by query parameters", async () => {
    const { url } = await push(app.config, { prompt: "consent" });
    url.searchParams.set("scope", "openid photos:read");
    url.searchParams.set("redirect_uri", "https://evil.example/");
    const asked = await browser.follow(url);
    const read = { authorizationId: browser.authorizationId(asked.url) };
    const { data } = await browser.rpc("authorization.read", read, "query");
    expect(data).toMatchObject({ returnsTo: "photos.example" });
    const scopes = data?.["scopes"] as { name: string }[] | undefined;
    expect(scopes?.map(({ name }) => name)).toEqual(["openid", "profile", "profile:read"]);
  });

  it("[S1] [S4] [S14] is validated when it is pushed", async () => {
    const refused = (parameters: Record<string, string>) => refusalOf(push(app.config, parameters));
    expect(await refused({ redirect_uri: "https://evil.example/" })).toBe("invalid_request");
    expect(await refused({ code_challenge_method: "plain" })).toBe("invalid_request");
    expect(await refused({ response_type: "token" })).toBe("unsupported_response_type");
    expect(await refused({ scope: "openid profile:write" })).toBe("invalid_scope");
    expect(await refused({ request_uri: "urn:x" })).toMatch(/invalid_request|request_uri_not_supported/);
  });

  it("[S20] requires client authentication", async () => {
    const { url } = await beginAuthorization(app.config);
    const parameters = url.searchParams;
    expect(await post(server, "/par", parameters)).toMatchObject({ status: 401, body: { error: "invalid_client" } });
    expect(await post(server, "/par", parameters, basic(app.id, "wrong"))).toMatchObject({ status: 401 });
    expect(await post(server, "/par", parameters, basic(app.id, app.secret))).toMatchObject({
      status: 201,
      body: { request_uri: expect.stringMatching(/^urn:ietf:params:oauth:request_uri:[\w-]{27,}$/), expires_in: 60 },
    });
  });

  it("is required for a client that registered for it", async () => {
    const config = await client.dynamicClientRegistration(
      new URL(server.url),
      { redirect_uris: [callback], require_pushed_authorization_requests: true },
      undefined,
      { execute: [client.allowInsecureRequests] },
    );
    await server.domain.clients.setVerified(config.clientMetadata().client_id, true, testSource);
    expect(await refusedAt((await beginAuthorization(config)).url)).toBe("invalid_request");
    const { url, checks } = await push(config);
    const tokens = await client.authorizationCodeGrant(config, await browser.allow(url), checks);
    expect(tokens.access_token).toEqual(expect.any(String));
  });
});

describe("[S21] a client with its own key", () => {
  it("authenticates with signed assertions, each accepted once", async () => {
    const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
    const jwk = { ...(await exportJWK(publicKey)), kid: "1", alg: "ES256", use: "sig" };
    const { body } = await fetch(`${server.url}/register`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        redirect_uris: [callback],
        token_endpoint_auth_method: "private_key_jwt",
        jwks: { keys: [jwk] },
      }),
    }).then(async (response) => ({ body: (await response.json()) as { client_id: string; client_secret?: string } }));
    expect(body.client_secret).toBeUndefined();
    const sent: string[] = [];
    const config = await client.discovery(
      new URL(server.url),
      body.client_id,
      undefined,
      client.PrivateKeyJwt({ key: privateKey, kid: "1" }),
      { execute: [client.allowInsecureRequests] },
    );
    config[client.customFetch] = async (url, options) => {
      if (options.body instanceof URLSearchParams) sent.push(options.body.toString());
      return fetch(url, options as RequestInit);
    };
    const { url, checks } = await push(config);
    const tokens = await client.authorizationCodeGrant(config, await browser.allow(url), checks);
    expect(tokens.access_token).toEqual(expect.any(String));

    // The same assertion again, and one of an unregistered key.
    expect(await post(server, "/par", sent[0] ?? "")).toMatchObject({ status: 401, body: { error: "invalid_client" } });
    const stranger = await generateKeyPair("ES256");
    const other = await client.discovery(
      new URL(server.url),
      body.client_id,
      undefined,
      client.PrivateKeyJwt({ key: stranger.privateKey, kid: "1" }),
      { execute: [client.allowInsecureRequests] },
    );
    expect(await refusalOf(push(other))).toBe("invalid_client");
  });
});

describe("a request for a resource", () => {
  it("[S10] may name this API with or without a slash, and gets tokens for it", async () => {
    for (const resource of [server.config.publicUrl, `${server.config.publicUrl}/`]) {
      const { url, checks } = await beginAuthorization(app.config, { resource, prompt: "consent" });
      const back = await browser.allow(url);
      const tokens = await client.authorizationCodeGrant(app.config, back, checks, { resource });
      expect((await callWith(server, "/users/me", tokens.access_token)).status).toBe(200);
      const next = await client.refreshTokenGrant(app.config, tokens.refresh_token ?? "", { resource });
      expect((await callWith(server, "/users/me", next.access_token)).status).toBe(200);
    }
  });

  it("is refused for any other resource", async () => {
    for (const resource of [
      "https://other.example",
      `${server.config.publicUrl}/x`,
      "x",
      `${server.config.publicUrl}#x`,
    ]) {
      const reached = await browser.follow((await beginAuthorization(app.config, { resource })).url);
      expect(reached.url.searchParams.get("error")).toBe("invalid_target");
    }
  });
});
