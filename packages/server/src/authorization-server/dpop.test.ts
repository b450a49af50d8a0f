import { hash, randomUUID } from "node:crypto";
import { get } from "node:http";
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from "jose";
import * as client from "openid-client";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { engines } from "../../test/engines.ts";
import { testSource } from "../testing.ts";
import {
  callWith,
  connect,
  post,
  refusalOf,
  registerClient,
  type Server,
  signedInBrowser,
  startAuthorizationServer,
  startOn,
} from "./testing.ts";

let server: Server;
beforeAll(async () => {
  server = await startAuthorizationServer({ now: () => Date.now() });
});
afterAll(() => server.close());
afterEach(() => {
  vi.useRealTimers();
});

/** A browser client with a grant, all of whose tokens are bound to its key. */
const connected = async (on = server) => {
  const app = await registerClient(on, { kind: "browser" });
  const keyPair = await client.randomDPoPKeyPair("ES256", { extractable: true });
  const DPoP = client.getDPoPHandle(app.config, keyPair);
  const browser = await signedInBrowser(on);
  const tokens = await connect(browser, app.config, {}, { DPoP });
  return { ...app, keyPair, DPoP, tokens };
};

type Key = Awaited<ReturnType<typeof generateKeyPair>>;

/** A proof made by hand, as an attacker would. */
const proofOf = async (
  { publicKey, privateKey }: Key,
  accessToken: string | null,
  change: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
) =>
  new SignJWT({
    jti: randomUUID(),
    htm: "GET",
    htu: `${server.url}/users/me`,
    iat: Math.floor(Date.now() / 1000),
    ...(accessToken !== null && { ath: hash("sha256", accessToken, "base64url") }),
    ...change,
  })
    .setProtectedHeader({ typ: "dpop+jwt", alg: "ES256", jwk: await exportJWK(publicKey), ...header })
    .sign(privateKey);

const call = async (
  accessToken: string,
  proofs: string | readonly string[],
  path = "/users/me",
  init: RequestInit = {},
) => {
  const headers = new Headers({ authorization: `DPoP ${accessToken}` });
  for (const proof of [proofs].flat()) headers.append("dpop", proof);
  const response = await fetch(`${server.url}${path}`, { ...init, headers });
  const body = (await response.json()) as { code?: string };
  const header = (name: string) => response.headers.get(name);
  return {
    status: response.status,
    code: body.code,
    challenge: header("www-authenticate"),
    nonce: header("dpop-nonce"),
  };
};

describe("[S32] a token that is bound to a key", () => {
  it("names its key, and gives the granted access to the holder of the key", async () => {
    const { config, keyPair, DPoP, tokens } = await connected();
    expect(tokens.token_type).toBe("dpop");
    const [, claims = ""] = tokens.access_token.split(".");
    expect(JSON.parse(Buffer.from(claims, "base64url").toString())).toMatchObject({
      cnf: { jkt: await calculateJwkThumbprint(await exportJWK(keyPair.publicKey)) },
    });
    const me = await client.fetchProtectedResource(
      config,
      tokens.access_token,
      new URL(`${server.url}/users/me`),
      "GET",
      null,
      undefined,
      { DPoP },
    );
    expect([me.status, await me.json()]).toEqual([200, expect.objectContaining({ username: "john" })]);
    const userinfo = await client.fetchUserInfo(config, tokens.access_token, String(tokens.claims()?.sub), { DPoP });
    expect(userinfo.sub).toBe(tokens.claims()?.sub);
  });

  it("[S41] is refused as a bearer token, and the challenge asks for a proof", async () => {
    const { tokens } = await connected();
    const answer = await callWith(server, "/users/me", tokens.access_token);
    expect(answer).toMatchObject({ status: 401, code: "INVALID_DPOP_PROOF" });
    expect(answer.challenge).toMatch(/^DPoP error="invalid_dpop_proof".*algs="ES256 EdDSA Ed25519"/);
    expect(await callWith(server, "/userinfo", tokens.access_token)).toMatchObject({ status: 401 });
    const own = await post(server, "/token", { username: "john", password: "secret" });
    const key = await generateKeyPair("ES256");
    const bearer = String(own.body["access_token"]);
    expect(await call(bearer, await proofOf(key, bearer))).toMatchObject({ status: 401, code: "INVALID_TOKEN" });
  });

  it("is refused with a proof of another key, time, URL or token, or without a proof", async () => {
    const { keyPair, tokens } = await connected();
    const token = tokens.access_token;
    const key = keyPair as Key;
    const other = await generateKeyPair("ES256", { extractable: true });
    expect((await call(token, await proofOf(key, token))).status).toBe(200);
    expect((await call(token, await proofOf(key, token), "/users/me?x=1")).status).toBe(200);
    const proofs: (string | string[])[] = [
      await proofOf(other, token),
      await proofOf(other, token, {}, { jwk: await exportJWK(key.publicKey) }),
      await proofOf(key, null),
      await proofOf(key, `${token}x`),
      await proofOf(key, token, { htm: "POST" }),
      await proofOf(key, token, { htm: "get" }),
      await proofOf(key, token, { htu: `${server.url}/users/me/sessions` }),
      await proofOf(key, token, { htu: "https://evil.example/users/me" }),
      await proofOf(key, token, { htu: "/users/me" }),
      await proofOf(key, token, { htu: 1 }),
      await proofOf(key, token, { iat: undefined }),
      await proofOf(key, token, { jti: undefined }),
      await proofOf(key, token, { jti: 1 }),
      await proofOf(key, token, { jti: "x".repeat(201) }),
      await proofOf(key, token, {}, { typ: "jwt" }),
      await proofOf(key, token, {}, { jwk: undefined }),
      await proofOf(key, token, {}, { jwk: { kty: "EC" } }),
      await proofOf(key, token, {}, { jwk: await exportJWK(key.privateKey) }),
      [],
      "x",
      "a.b.c",
      token,
    ];
    for (const [index, proof] of proofs.entries()) {
      const { status, code } = await call(token, proof);
      expect([index, status, code]).toEqual([index, 401, "INVALID_DPOP_PROOF"]);
    }
  });

  it("is refused with two proofs, even if each is valid (RFC 9449 §4.3)", async () => {
    const { keyPair, tokens } = await connected();
    const proofs = await Promise.all([1, 2].map(() => proofOf(keyPair as Key, tokens.access_token)));
    // `fetch` would join them into one header.
    const ask = (dpop: string[]) =>
      new Promise<number | undefined>((resolve, reject) => {
        const headers = { authorization: `DPoP ${tokens.access_token}`, dpop };
        get(`${server.url}/users/me`, { headers }, (response) => {
          response.resume();
          resolve(response.statusCode);
        }).once("error", reject);
      });
    expect(await ask(proofs)).toBe(401);
    expect(await ask(proofs.slice(0, 1))).toBe(200);
  });

  it("accepts proofs of the same age as the token endpoint, and asks for a nonce otherwise", async () => {
    const { id, keyPair, tokens } = await connected();
    const key = keyPair as Key;
    const token = tokens.access_token;
    const now = Math.floor(Date.now() / 1000);
    const form = { grant_type: "refresh_token", refresh_token: tokens.refresh_token ?? "", client_id: id };
    const atToken = async (change: Record<string, unknown>) => {
      const dpop = await proofOf(key, null, { htm: "POST", htu: `${server.url}/token`, ...change });
      return post(server, "/token", form, { dpop });
    };
    for (const iat of [now - 290, now + 290]) {
      expect([iat, (await call(token, await proofOf(key, token, { iat }))).status]).toEqual([iat, 200]);
      expect([iat, (await atToken({ iat })).status]).toEqual([iat, 200]);
    }
    for (const iat of [now - 310, now + 310]) {
      const late = await call(token, await proofOf(key, token, { iat }));
      expect(late).toMatchObject({ status: 401, code: "DPOP_NONCE_NEEDED", nonce: expect.any(String) });
      expect(late.challenge).toMatch(/^DPoP error="use_dpop_nonce"/);
      const again = { iat, nonce: late.nonce };
      expect((await call(token, await proofOf(key, token, again))).status).toBe(200);
      // Clients keep one nonce for each origin.
      expect((await atToken(again)).status).toBe(200);
      const fromToken = (await atToken({ iat })).headers.get("dpop-nonce");
      expect((await call(token, await proofOf(key, token, { iat, nonce: fromToken }))).status).toBe(200);
    }
    const userinfo = `${server.url}/userinfo`;
    const asked = await call(token, await proofOf(key, token, { htu: userinfo, nonce: "x" }), "/userinfo");
    expect(asked).toMatchObject({ status: 401, nonce: expect.any(String) });
    for (const nonce of ["x", "", 1, null])
      expect((await call(token, await proofOf(key, token, { nonce }))).code).toBe("DPOP_NONCE_NEEDED");
  });

  it("remembers a proof as long as it is accepted, at the API and at the token endpoint (RFC 9449 §11.1)", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { id, keyPair, tokens } = await connected();
    const token = tokens.access_token;
    // From a clock that is ahead: accepted for twice as long.
    const iat = Math.floor(Date.now() / 1000) + 295;
    const proof = await proofOf(keyPair as Key, token, { iat });
    const atToken = await proofOf(keyPair as Key, null, { iat, htm: "POST", htu: `${server.url}/token` });
    const form = { grant_type: "refresh_token", refresh_token: tokens.refresh_token ?? "", client_id: id };
    const refresh = () => post(server, "/token", form, { dpop: atToken });
    expect([(await call(token, proof)).status, (await refresh()).status]).toEqual([200, 200]);
    for (const seconds of [1, 300, 280]) {
      vi.setSystemTime(Date.now() + seconds * 1000);
      // Deletes what need not be remembered.
      await server.domain.spentIds.deleteExpired(1000);
      expect(await call(token, proof)).toMatchObject({ status: 401, code: "INVALID_DPOP_PROOF" });
      expect((await refresh()).body["error"]).toBe("invalid_grant");
    }
    // The proof was refused, not the refresh token, whose reuse would have revoked the grant.
    expect((await call(token, await proofOf(keyPair as Key, token))).status).toBe(200);
  });

  it("accepts a proof once, also of many concurrent uses", async () => {
    const { keyPair, tokens } = await connected();
    const proof = await proofOf(keyPair as Key, tokens.access_token);
    const answers = await Promise.all(Array.from({ length: 10 }, () => call(tokens.access_token, proof)));
    expect(answers.map(({ status }) => status).filter((status) => status === 200)).toHaveLength(1);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 401]));
  });

  it("has a refresh token that is bound to the same key", async () => {
    const { config, tokens, DPoP } = await connected();
    const stolen = tokens.refresh_token ?? "";
    const other = client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256"));
    expect(await refusalOf(client.refreshTokenGrant(config, stolen))).toBe("invalid_grant");
    expect(await refusalOf(client.refreshTokenGrant(config, stolen, undefined, { DPoP: other }))).toBe("invalid_grant");
    const next = await client.refreshTokenGrant(config, stolen, undefined, { DPoP });
    expect(next.token_type).toBe("dpop");
    expect(await refusalOf(client.refreshTokenGrant(config, next.refresh_token ?? "", undefined, { DPoP }))).toBeNull();
  });

  it("is introspected with its key", async () => {
    const service = await registerClient(server, {
      kind: "service",
      redirectUris: [],
      postLogoutRedirectUris: [],
    });
    await server.domain.clients.setExceptions(service.id, { mayIntrospect: true }, testSource);
    const { tokens } = await connected();
    expect(await client.tokenIntrospection(service.config, tokens.access_token)).toMatchObject({
      active: true,
      token_type: "DPoP",
      cnf: { jkt: expect.any(String) },
    });
  });
});

describe("[S32] a proof at the token endpoint", () => {
  it("is accepted once, within its time, for this URL", async () => {
    const { id, keyPair, tokens } = await connected();
    const form = { grant_type: "refresh_token", refresh_token: tokens.refresh_token ?? "", client_id: id };
    const at = { htm: "POST", htu: `${server.url}/token` };
    const ask = async (change: Record<string, unknown> = {}, header: Record<string, unknown> = {}) =>
      post(server, "/token", form, { dpop: await proofOf(keyPair as Key, null, { ...at, ...change }, header) });
    const old = { iat: Math.floor(Date.now() / 1000) - 600 };
    expect(await ask({ htu: "https://evil.example/token" })).toMatchObject({ body: { error: "invalid_dpop_proof" } });
    expect(await ask({ htm: "GET" })).toMatchObject({ body: { error: "invalid_dpop_proof" } });
    expect(await ask({}, { typ: "jwt" })).toMatchObject({ body: { error: "invalid_dpop_proof" } });
    const late = await ask(old);
    expect(late).toMatchObject({ status: 400, body: { error: "use_dpop_nonce" } });
    const nonce = late.headers.get("dpop-nonce") ?? "";
    expect((await ask({ ...old, nonce: "x" })).body).toMatchObject({ error: "use_dpop_nonce" });
    expect((await ask({ ...old, nonce })).status).toBe(200);

    const proof = await proofOf(keyPair as Key, null, at);
    const answers = [];
    for (let time = 0; time < 3; time++) answers.push(await post(server, "/token", form, { dpop: proof }));
    expect(answers.map(({ status }) => status)).toEqual([200, 400, 400]);
    expect(answers[1]?.body["error"]).toBe("invalid_grant");
  });
});

describe.each(engines)("the ID of a proof on $engine", ({ newDatabase }) => {
  it("can be any text", async () => {
    await using on = await startOn(newDatabase);
    const { keyPair, tokens } = await connected(on);
    const token = tokens.access_token;
    for (const jti of ["\0", "\ud800", "'", "ä", " "]) {
      const proof = await proofOf(keyPair as Key, token, { jti, htu: `${on.url}/users/me` });
      const headers = { authorization: `DPoP ${token}`, dpop: proof };
      expect((await fetch(`${on.url}/users/me`, { headers })).status).toBe(200);
      expect((await fetch(`${on.url}/users/me`, { headers })).status).toBe(401);
    }
  });
});
