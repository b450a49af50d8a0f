// A client that its owner changes must ask every user again (OAuth 2.1 §7.3).

import { RegisterClientInput } from "@lockstep/kit";
import * as client from "openid-client";
import { afterAll, beforeAll, expect, it } from "vitest";
import { testClock, testSource } from "../testing.ts";
import {
  addPerson,
  beginAuthorization,
  callback,
  callWith,
  connect,
  discover,
  photoApp,
  refusalOf,
  type Server,
  signedInBrowser,
  startAuthorizationServer,
} from "./testing.ts";

const clock = testClock();
let server: Server;
let owner: { userId: string };

beforeAll(async () => {
  server = await startAuthorizationServer({ now: clock.now });
  owner = { userId: (await addPerson(server, "mallory")).id };
});
afterAll(() => server.close());

/** A verified client of a developer with a person's grant, which needs no more consent. */
const granted = async () => {
  const { client: app, secret } = await server.domain.clients.register(photoApp, owner, testSource);
  await server.domain.clients.setVerified(app.id, true, testSource);
  const config = await discover(server, app.id, secret);
  const browser = await signedInBrowser(server);
  const tokens = await connect(browser, config);
  const ask = async (parameters: Record<string, string> = {}) =>
    browser.follow((await beginAuthorization(config, parameters)).url);
  expect((await ask()).url.searchParams.has("code")).toBe(true);
  return { id: app.id, config, browser, tokens, ask };
};

const elsewhere = "https://evil.example/callback";
const moved = { ...photoApp, redirectUris: [callback, elsewhere] };

it("[S85] asks for a click before it sends a code to a changed redirect URI of a verified client", async () => {
  const { id, browser, ask } = await granted();
  await server.domain.clients.update(id, moved, owner, testSource);
  for (const parameters of [{ redirect_uri: elsewhere }, {}]) {
    const asked = await ask(parameters);
    expect(asked.url.pathname).toMatch(/^\/interaction\//);
    const authorizationId = browser.authorizationId(asked.url);
    const { data } = await browser.rpc("authorization.read", { authorizationId }, "query");
    expect(data).toMatchObject({ consent: true, client: { verified: false } });
    expect(JSON.stringify(data)).not.toContain('"grantedBefore":true');
  }
});

it("[S85] asks again after an operator has verified the changed client", async () => {
  const { id, ask, browser, config } = await granted();
  await server.domain.clients.update(id, moved, owner, testSource);
  await server.domain.clients.setVerified(id, true, testSource);
  expect((await ask()).url.pathname).toMatch(/^\/interaction\//);
  expect((await ask({ prompt: "none" })).url.searchParams.get("error")).toBe("consent_required");
  await connect(browser, config);
  expect((await ask()).url.searchParams.has("code")).toBe(true);
  expect((await ask({ prompt: "none" })).url.searchParams.has("code")).toBe(true);
});

it("[S85] refuses answers to requests from before the change", async () => {
  const { id, browser, ask } = await granted();
  const asked = await ask({ prompt: "consent" });
  const authorizationId = browser.authorizationId(asked.url);
  await server.domain.clients.update(id, moved, owner, testSource);
  for (const answer of ["approve", "deny"])
    expect((await browser.rpc(`authorization.${answer}`, { authorizationId })).code).toBe("AUTHORIZATION_NOT_FOUND");
});

it("keeps the tokens that were issued before the change", async () => {
  const { id, config, tokens } = await granted();
  await server.domain.clients.update(id, moved, owner, testSource);
  expect((await callWith(server, "/users/me", tokens.access_token)).status).toBe(200);
  expect(await refusalOf(client.refreshTokenGrant(config, String(tokens.refresh_token)))).toBeNull();
});

it("[S85] requires a fresh sign-in to change a client", async () => {
  const { id } = await granted();
  const browser = await signedInBrowser(server, "mallory");
  const input = { ...RegisterClientInput.parse(photoApp), clientId: id, name: "Photos" };
  const update = async () => {
    const { data } = await browser.rpc("auth.refresh", { transport: "cookie" });
    const response = await browser.go("/trpc/client.update", {
      method: "POST",
      body: JSON.stringify(input),
      headers: { "content-type": "application/json", authorization: `Bearer ${data?.["accessToken"]}` },
    });
    return [response.status, ((await response.json()) as { error?: { data: { code: string } } }).error?.data.code];
  };
  clock.advanceSeconds(14 * 60);
  expect(await update()).toEqual([200, undefined]);
  clock.advanceSeconds(2 * 60);
  expect(await update()).toEqual([401, "REAUTHENTICATION_REQUIRED"]);
});
