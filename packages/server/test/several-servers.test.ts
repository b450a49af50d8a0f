// Two servers on one database with one public URL, as behind a load balancer: changes on one that must take effect on
// the other at once.

import * as client from "openid-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  basic,
  beginAuthorization,
  callback,
  callWith,
  connect,
  post,
  registerClient,
  type Server,
  signedInBrowser,
  startAuthorizationServer,
} from "../src/authorization-server/testing.ts";
import { firstPartyClientId } from "../src/domain/tokens/tokens.ts";
import { john, startTestServer, testSessionLimits, testSource, typed } from "../src/testing.ts";
import { engines, type NewDatabase } from "./engines.ts";

describe.each(engines)("two servers on one $engine database", ({ newDatabase }) => {
  let database: NewDatabase;
  let first: Server;
  let second: Server;

  beforeAll(async () => {
    database = await newDatabase("migrated");
    // Long enough for a hundred concurrent requests on a slow machine.
    const sessionLimits = { ...testSessionLimits, graceSeconds: 60 };
    const world = { databaseLimitMs: 60_000 };
    first = await startAuthorizationServer({ databaseUrl: database.url, config: { sessionLimits }, world });
    const { publicUrl } = first.config;
    second = await startTestServer({ databaseUrl: database.url, config: { publicUrl, sessionLimits }, world });
  });
  afterAll(async () => {
    await second.close();
    await first.close();
    await database.drop();
  });

  /** One call for each index, to the two servers in turn. */
  const atOnce = <T>(count: number, call: (server: Server, index: number) => Promise<T>) =>
    Promise.all(Array.from({ length: count }, (_, index) => call(index % 2 === 0 ? first : second, index)));
  const connected = async (kind: "web" | "native" = "web") => {
    const redirectUris = [kind === "native" ? "http://127.0.0.1/callback" : callback];
    const app = await registerClient(first, { kind, redirectUris });
    const browser = await signedInBrowser(first);
    return { app, browser };
  };

  it("[S50] accept tokens of a new key at once when one of them retires the previous key", async () => {
    for (let round = 0; round < 4; round++) {
      const [retiring, learning] = round % 2 === 0 ? [first, second] : [second, first];
      const before = await retiring.domain.signIn.withPassword(typed(john.username, john.password));
      const old = retiring.domain.keyring.signing().id;
      await retiring.domain.keyring.retire(old, testSource);
      const { refreshToken } = before;
      const { session } = await retiring.domain.sessions.refresh(refreshToken, testSource);
      const claims = { userId: before.user.id, sessionId: session.id, clientId: firstPartyClientId };
      const assurance = { acr: "1fa", amr: [], authenticatedAt: null } as const;
      const { accessToken } = await retiring.domain.tokens.issue({ ...claims, scopes: ["profile:read"], assurance });
      const answers = await Promise.all(Array.from({ length: 24 }, () => callWith(learning, "/users/me", accessToken)));
      expect(answers.map(({ status }) => status)).toEqual(Array(24).fill(200));
      // It also noticed that the old key was retired, and signs with the new one.
      expect((await callWith(learning, "/users/me", before.accessToken)).status).toBe(401);
      expect(learning.domain.keyring.signing().id).toBe(retiring.domain.keyring.signing().id);
    }
  });

  it("[S50] publish a key that the other has just begun to sign with", async () => {
    const published = async (server: Server) => {
      const { keys } = (await (await fetch(`${server.url}/jwks`)).json()) as { keys: { kid: string }[] };
      return keys.map(({ kid }) => kid);
    };
    expect(await published(second)).toEqual(await published(first));
    for (const algorithm of ["ES256", "RS256"] as const) {
      await first.domain.keyring.retire(first.domain.keyring.signing(algorithm).id, testSource);
      expect(await published(second)).toEqual(await published(first));
    }
  });

  it("[S50] accept an ID token as a hint that the other one just signed with a new key", async () => {
    const { app, browser } = await connected();
    await fetch(`${second.url}/.well-known/openid-configuration`);
    await first.domain.keyring.retire(first.domain.keyring.signing("RS256").id, testSource);
    const { id_token } = await connect(browser, app.config);
    const leave = new URL("/logout", second.url);
    leave.searchParams.set("id_token_hint", String(id_token));
    expect((await fetch(leave)).status).toBe(200);
    expect(second.domain.keyring.signing("RS256").id).toBe(first.domain.keyring.signing("RS256").id);
  });

  it("[S24] give one successor to a hundred concurrent redemptions of a client's refresh token", async () => {
    const { app, browser } = await connected();
    let { refresh_token: current = "" } = await connect(browser, app.config);
    for (let round = 0; round < 2; round++) {
      const form = { grant_type: "refresh_token", refresh_token: current };
      const answers = await atOnce(100, (server) => post(server, "/token", form, basic(app.id, app.secret)));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
      const successors = new Set(answers.map(({ body }) => String(body["refresh_token"])));
      expect(successors.size).toBe(1);
      expect((await callWith(second, "/users/me", String(answers[0]?.body["access_token"]))).status).toBe(200);
      [current = ""] = successors;
    }
  });

  it("[S120] give one working token pair to concurrent polls of one device code (RFC 8628 §3.4)", async () => {
    const { app, browser } = await connected("native");
    const device = await client.initiateDeviceAuthorization(app.config, { scope: "openid profile:read" });
    expect((await browser.enterCode(device.user_code))?.page).toBe("device_done");
    const form = {
      grant_type: "urn:ietf:params:oauth:grant-type:device_code",
      device_code: device.device_code,
      client_id: app.id,
    };
    const answers = await atOnce(8, (server) => post(server, "/token", form));
    const granted = answers.filter(({ status }) => status === 200);
    expect(granted).toHaveLength(1);
    for (const { status, body } of answers)
      if (status !== 200) expect([status, body["error"]]).toEqual([400, "invalid_grant"]);
    const { access_token, refresh_token } = granted[0]?.body ?? {};
    expect((await callWith(second, "/users/me", String(access_token))).status).toBe(200);
    const refresh = { grant_type: "refresh_token", refresh_token: String(refresh_token), client_id: app.id };
    expect((await post(second, "/token", refresh)).status).toBe(200);
  });

  it("[S7] revoke the tokens of a code that is redeemed twice at once", async () => {
    const { app, browser } = await connected();
    const { url, checks } = await beginAuthorization(app.config);
    const form = {
      grant_type: "authorization_code",
      code: (await browser.allow(url)).searchParams.get("code") ?? "",
      redirect_uri: callback,
      code_verifier: String(checks.pkceCodeVerifier),
    };
    const answers = await atOnce(6, (server) => post(server, "/token", form, basic(app.id, app.secret)));
    for (const { status } of answers) expect([200, 400]).toContain(status);
    // None, if the grant was revoked before the first redemption's tokens were signed.
    for (const { body } of answers.filter(({ status }) => status === 200)) {
      expect((await callWith(first, "/users/me", String(body["access_token"]))).status).toBe(401);
    }
  });
});
