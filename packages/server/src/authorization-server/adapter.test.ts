import type { AdapterPayload } from "oidc-provider";
import { expect, it } from "vitest";
import { testSource } from "../testing.ts";
import { createAdapters } from "./adapter.ts";
import { duringCall } from "./call.ts";
import { registerClient, startAuthorizationServer } from "./testing.ts";

/** A model's adapter, and a grant for its records. */
const start = async (model: string, offsetMs = 0) => {
  const server = await startAuthorizationServer();
  const { domain } = server;
  const { id: clientId } = await registerClient(server);
  const userId = (await domain.users.findByLogin("john"))?.user.id ?? "";
  await domain.grants.save({ id: "grant", userId, clientId, scopes: ["openid"], payload: {} }, testSource);
  const adapter = createAdapters({
    ...domain,
    records: domain.oauthRecords,
    registration: "off",
    now: Date.now,
    clock: { offsetMs: () => offsetMs },
    graceSeconds: 0,
    successorOf: (id) => id,
  })(model);
  return {
    adapter,
    userId,
    db: server.db,
    records: domain.oauthRecords,
    isGranted: async () => (await domain.grants.payloadOf("grant")) !== null,
    [Symbol.asyncDispose]: () => server.close(),
  };
};

const call = { source: testSource, presented: null, report() {} };

it("[S7] gives a code to the first of two concurrent readers, and revokes the grant for the second", async () => {
  await using started = await start("AuthorizationCode");
  const { adapter, isGranted } = started;
  await duringCall(call, async () => {
    await adapter.upsert("code", { grantId: "grant" }, 60);
    expect(await adapter.find("code")).not.toHaveProperty("consumed");
    await adapter.consume("code");
    expect(await isGranted()).toBe(true);
    await expect(adapter.consume("code")).rejects.toMatchObject({ error: "invalid_grant" });
    expect(await isGranted()).toBe(false);
  });
});

it("[S120] gives a device code to the first of two concurrent polls, and revokes nothing for the second", async () => {
  await using started = await start("DeviceCode");
  const { adapter, isGranted } = started;
  await duringCall(call, async () => {
    await adapter.upsert("code", { grantId: "grant", accountId: "john", exp: Date.now() / 1000 + 60 }, 60);
    expect(await adapter.find("code")).toMatchObject({ grantId: "grant" });
    await adapter.consume("code");
    await expect(adapter.consume("code")).rejects.toMatchObject({ error: "invalid_grant" });
    expect(await adapter.find("code")).toBeUndefined();
    expect(await isGranted()).toBe(true);
  });
});

it("stores times by the shared clock", async () => {
  await using started = await start("Interaction", 300_000);
  const { adapter, records } = started;
  await adapter.upsert("id", { iat: 1000 }, 60);
  expect((await records.find("Interaction", { id: "id" }))?.payload).toMatchObject({ iat: 1300 });
  expect(await adapter.find("id")).toMatchObject({ iat: 1000 });
});

it("[S116] records whom an interaction names", async () => {
  await using started = await start("Interaction");
  const { adapter, db, userId } = started;
  await adapter.upsert("anonymous", {}, 60);
  await adapter.upsert("of a stranger", { session: { accountId: "nobody" } } as AdapterPayload, 60);
  await adapter.upsert("signed in", { session: { accountId: userId } } as AdapterPayload, 60);
  await adapter.upsert("answered", { result: { login: { accountId: userId } } }, 60);
  const rows = await db.selectFrom("oauth_records").select("user_id").where("kind", "=", "Interaction").execute();
  expect(rows.map((row) => row.user_id).toSorted()).toEqual([userId, userId, null, null].toSorted());
});
