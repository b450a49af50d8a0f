// Two servers on one PostgreSQL whose machines' clocks are ten minutes apart: one five minutes ahead, one five behind.

import { createServer, request as forward, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import * as client from "openid-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { beginAuthorization, photoApp, signedInBrowser } from "../src/authorization-server/testing.ts";
import { createDomain } from "../src/compose-domain.ts";
import { readDatabaseTime } from "../src/db/clock.ts";
import { type Db, openDatabase } from "../src/db/database.ts";
import { seedJohn } from "../src/development.ts";
import { fixtureApp } from "../src/fixture-app.ts";
import { testConfig, testSource, testWorld } from "../src/testing.ts";
import { engines, type NewDatabase } from "./engines.ts";
import { prepareServer, spawnServer } from "./servers.ts";

const fiveMinutesMs = 5 * 60_000;
/** As set by `server-process.ts`. */
const graceMs = 60_000;

let database: NewDatabase;
let db: Db;
let servers: Awaited<ReturnType<typeof spawnServer>>[];
let proxy: Server;
let publicUrl: string;
let app: client.Configuration;
let deviceApp: client.Configuration;
/** The server that gets the proxy's next request. */
let turn = 0;

beforeAll(async () => {
  database = await engines[1].newDatabase();
  proxy = createServer((incoming, answer) => {
    const target = new URL(incoming.url ?? "/", servers[turn++ % 2]?.url);
    const { method, headers } = incoming;
    incoming.pipe(
      forward(target, { method, headers }, (answered) => {
        answer.writeHead(answered.statusCode ?? 500, answered.headers);
        answered.pipe(answer);
      }),
    );
  });
  await new Promise<void>((resolve) => proxy.listen(0, "localhost", resolve));
  publicUrl = `http://localhost:${(proxy.address() as AddressInfo).port}`;
  servers = await Promise.all(
    [fiveMinutesMs, -fiveMinutesMs].map((clockErrorMs) =>
      spawnServer(database.url, prepareServer({ clockErrorMs }), { publicUrl }),
    ),
  );
  db = await openDatabase(database.url);
  const domain = await createDomain(db, {
    app: fixtureApp,
    config: testConfig(database.url),
    world: testWorld(Date.now),
  });
  await seedJohn(domain);
  const register = async (input: Partial<typeof photoApp>) => {
    const registered = { ...photoApp, ...input };
    const { client: app, secret } = await domain.clients.register(registered, "operator", testSource);
    return client.discovery(new URL(publicUrl), app.id, secret ?? undefined, secret ? undefined : client.None(), {
      execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
    });
  };
  app = await register({});
  deviceApp = await register({ kind: "native", redirectUris: ["http://127.0.0.1/callback"] });
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
  proxy.close();
  proxy.closeAllConnections();
  await db.destroy();
  await database.drop();
});

const ahead = () => servers[0] as (typeof servers)[number];
const behind = () => servers[1] as (typeof servers)[number];
const directions = [
  { direction: "ahead to behind", first: ahead, second: behind },
  { direction: "behind to ahead", first: behind, second: ahead },
] as const;

describe.each(directions)("servers whose clocks differ by ten minutes, from $direction", ({ first, second }) => {
  const signIn = async () => (await first().mutate("auth.login", { username: "john", password: "secret" })).data;

  it("[S24] give the same successor to tabs that race over both", async () => {
    const { refreshToken } = await signIn();
    const successor = await first().mutate("auth.refresh", { refreshToken });
    const late = await second().mutate("auth.refresh", { refreshToken });
    expect(late).toMatchObject({ code: "OK", data: { refreshToken: successor.data.refreshToken } });
    const next = await second().mutate("auth.refresh", { refreshToken: successor.data.refreshToken });
    expect(next.code).toBe("OK");
    expect((await first().mutate("auth.refresh", { refreshToken: successor.data.refreshToken })).code).toBe("OK");
  });

  it("[S23] end the session for a token that was replaced before the grace window", async () => {
    const { refreshToken, sessionId } = await signIn();
    await first().mutate("auth.refresh", { refreshToken });
    // On a busy machine, a server's measure of the database's clock is late by what the answer took.
    const replacedAt = ((await readDatabaseTime(db)) ?? 0) - graceMs - 30_000;
    const replaced = JSON.stringify([[0, replacedAt]]);
    await db.updateTable("sessions").set({ replaced }).where("id", "=", sessionId).execute();
    expect(await second().mutate("auth.refresh", { refreshToken })).toMatchObject({
      code: "SESSION_ENDED",
      reason: "reused",
    });
  });

  it("accept each other's access tokens", async () => {
    const { accessToken } = await signIn();
    expect((await second().query("user.me", accessToken)).status).toBe(200);
  });
});

describe.each([0, 1])("a client of servers whose clocks differ, each request at the other, from server %i", (phase) => {
  const browser = async () => {
    const opened = await signedInBrowser({ url: publicUrl });
    turn = phase;
    return opened;
  };
  const callApi = (accessToken: string) =>
    fetch(`${publicUrl}/users/me`, { headers: { authorization: `Bearer ${accessToken}` } });

  it("redeems its code, calls, and refreshes", async () => {
    const person = await browser();
    const { url, checks } = await beginAuthorization(app, { scope: "openid profile:read" });
    const tokens = await client.authorizationCodeGrant(app, await person.allow(url), checks);
    expect((await callApi(tokens.access_token)).status).toBe(200);
    expect((await callApi(tokens.access_token)).status).toBe(200);
    const refreshed = await client.refreshTokenGrant(app, tokens.refresh_token ?? "");
    expect((await callApi(refreshed.access_token)).status).toBe(200);
  });

  it("redeems the code of a pushed request", async () => {
    const person = await browser();
    const { url, checks } = await beginAuthorization(app, { scope: "openid profile:read" });
    url.searchParams.delete("client_id");
    const pushed = await client.buildAuthorizationUrlWithPAR(app, url.searchParams);
    const tokens = await client.authorizationCodeGrant(app, await person.allow(pushed), checks);
    expect((await callApi(tokens.access_token)).status).toBe(200);
  });

  it("gets the tokens of a device code", async () => {
    const person = await browser();
    const device = await client.initiateDeviceAuthorization(deviceApp, { scope: "openid profile:read" });
    expect((await person.enterCode(device.user_code))?.page).toBe("device_done");
    const tokens = await client.pollDeviceAuthorizationGrant(deviceApp, { ...device, interval: 0 });
    expect((await callApi(tokens.access_token)).status).toBe(200);
  });
});
