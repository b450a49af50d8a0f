// How well a client wants the person to prove who they are, with `openid-client` as the client.

import { decodeJwt } from "jose";
import * as client from "openid-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { codeOf } from "../../test/authenticator-app.ts";
import { testSource, typed } from "../testing.ts";
import {
  addPerson,
  beginAuthorization,
  connect,
  refusalOf,
  registerClient,
  type Server,
  signedInBrowser,
  startAuthorizationServer,
} from "./testing.ts";

let server: Server;
beforeAll(async () => {
  server = await startAuthorizationServer();
});
afterAll(() => server.close());

let people = 0;

/** Somebody with an app, in a browser that signed in before they had it, and so proved the password alone. */
const personWithApp = async () => {
  const name = `person${++people}`;
  const { id } = await addPerson(server, name);
  const browser = await signedInBrowser(server, name);
  const { signIn, factorSignIn, factors } = server.domain;
  const owner = await signIn.withPassword(typed(name, "secret"));
  const begun = await factorSignIn.beginFactor(owner, "totp");
  if (begun.kind !== "totp") throw new Error("Another kind of factor was begun");
  const { enrolmentId, secret } = begun;
  // The step before: the code of this one is still to be used.
  const totp = codeOf(secret, Date.now() - 30_000);
  await factorSignIn.completeFactor(owner, { enrolmentId, name: "Phone", totp }, testSource);
  const stepUp = () => browser.stepUp({ totp: codeOf(secret, Date.now()) });
  return { browser, stepUp, removeFactors: () => factors.reset(id, testSource) };
};

const errorOf = (url: URL) => url.searchParams.get("error");

describe("a client that asks for two factors", () => {
  it("[S113] [S42] gets tokens that say so once the person has proved both, and not before", async () => {
    const { config } = await registerClient(server);
    const { browser, stepUp } = await personWithApp();
    const { url, checks } = await beginAuthorization(config, { acr_values: "2fa" });
    const asked = await browser.follow(url);
    const id = { authorizationId: browser.authorizationId(asked.url) };
    expect((await browser.rpc("authorization.read", id, "query")).data).toMatchObject({
      signInAgain: true,
      stepUp: { maxAgeSeconds: null, factors: 2, phishingResistant: false },
    });
    expect(await browser.rpc("authorization.approve", id)).toMatchObject({
      status: 401,
      code: "REAUTHENTICATION_REQUIRED",
    });
    await stepUp();
    expect((await browser.rpc("authorization.read", id, "query")).data).toMatchObject({ stepUp: null });
    const { data } = await browser.rpc("authorization.approve", id);
    const back = await browser.follow(String(data?.["redirectTo"]));
    const tokens = await client.authorizationCodeGrant(config, back.url, checks);
    const said = { acr: "2fa", amr: ["pwd", "otp", "mfa"], auth_time: expect.any(Number) };
    expect(tokens.claims()).toMatchObject(said);
    expect(decodeJwt(tokens.access_token)).toMatchObject(said);
    // A refresh proves nothing again.
    const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token ?? "");
    expect(decodeJwt(refreshed.access_token)["auth_time"]).toBe(decodeJwt(tokens.access_token)["auth_time"]);
    expect(decodeJwt(refreshed.access_token)).toMatchObject(said);
  });

  it("[S113] without asking the person gets unmet_authentication_requirements until they have proved it", async () => {
    const { config } = await registerClient(server, { name: "A calendar" });
    const { browser, stepUp } = await personWithApp();
    await server.domain.clients.setVerified(config.clientMetadata().client_id, true, testSource);
    await connect(browser, config);
    const silently = async (acr_values: string) =>
      errorOf(await browser.allow((await beginAuthorization(config, { prompt: "none", acr_values })).url));
    expect(await silently("1fa")).toBeNull();
    expect(await silently("2fa")).toBe("unmet_authentication_requirements");
    await stepUp();
    await connect(browser, config, { acr_values: "2fa" });
    expect(await silently("2fa")).toBeNull();
    expect(await silently("phr 2fa")).toBeNull();
    expect(await silently("phr")).toBe("unmet_authentication_requirements");
  });

  it("[S113] that does not exist here gets unmet_authentication_requirements at once", async () => {
    const { config } = await registerClient(server);
    const browser = await signedInBrowser(server);
    const acr = { acr_values: "urn:mace:incommon:iap:silver" };
    expect(errorOf(await browser.allow((await beginAuthorization(config, acr)).url))).toBe(
      "unmet_authentication_requirements",
    );
    const known = { acr_values: `${acr.acr_values} 1fa` };
    expect(errorOf(await browser.allow((await beginAuthorization(config, known)).url))).toBeNull();
  });

  it("[S113] is told so by a person who cannot, or does not want to", async () => {
    const { config } = await registerClient(server);
    const browser = await signedInBrowser(server);
    const denied = async (parameters: Record<string, string>) => {
      const asked = await browser.follow((await beginAuthorization(config, parameters)).url);
      const id = { authorizationId: browser.authorizationId(asked.url) };
      const { data } = await browser.rpc("authorization.deny", id);
      return errorOf((await browser.follow(String(data?.["redirectTo"]))).url);
    };
    expect(await denied({ acr_values: "2fa" })).toBe("unmet_authentication_requirements");
    expect(await denied({})).toBe("access_denied");
  });

  it("[S113] gets no second factor for a max_age that one of the factors missed", async () => {
    const { config } = await registerClient(server);
    const { browser, stepUp } = await personWithApp();
    await stepUp();
    await server.db
      .updateTable("sessions")
      .set({ authenticated_at: 1, factors: '[["password",1],["totp",1]]' })
      .execute();
    const { url } = await beginAuthorization(config, { acr_values: "2fa", max_age: "300" });
    const asked = await browser.follow(url);
    const id = { authorizationId: browser.authorizationId(asked.url) };
    expect((await browser.rpc("authorization.read", id, "query")).data).toMatchObject({
      stepUp: { maxAgeSeconds: 300, factors: 2 },
    });
  });

  it("[S111] keeps the access, and loses the level, when the factor is removed", async () => {
    const { config } = await registerClient(server);
    const { browser, stepUp, removeFactors } = await personWithApp();
    await stepUp();
    const tokens = await connect(browser, config, { acr_values: "2fa" });
    await removeFactors();
    const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token ?? "");
    expect(decodeJwt(refreshed.access_token)["acr"]).toBe("1fa");
  });
});

it("says which levels there are in its metadata", async () => {
  const { config } = await registerClient(server);
  expect(config.serverMetadata()["acr_values_supported"]).toEqual(["1fa", "2fa", "phr"]);
  expect(await refusalOf(client.clientCredentialsGrant(config, { acr_values: "2fa" }))).not.toBe("server_error");
});

describe("where the policy of this server requires a second factor", () => {
  it("[S111] consent and device codes ask for it too", async () => {
    await using strict = await startAuthorizationServer();
    const { config } = await registerClient(strict);
    const browser = await signedInBrowser(strict);
    // An operator requires a factor of John, who is signed in.
    const john = await strict.domain.users.findByLogin("john");
    await strict.domain.users.requireFactor(john?.user.id ?? "", true);
    const asked = await browser.follow((await beginAuthorization(config)).url);
    const request = { authorizationId: browser.authorizationId(asked.url) };
    expect(await browser.rpc("authorization.approve", request)).toMatchObject({ code: "REAUTHENTICATION_REQUIRED" });
    const tv = await registerClient(strict, { kind: "native", redirectUris: ["http://127.0.0.1/callback"] });
    const { user_code } = await client.initiateDeviceAuthorization(tv.config, { scope: "openid profile:read" });
    await browser.enterCode(user_code);
    expect(await strict.db.selectFrom("grants").selectAll().execute()).toEqual([]);
  });
});
