import { expect, it } from "vitest";
import { testSource } from "../testing.ts";
import { createAdapters } from "./adapter.ts";
import { duringCall } from "./call.ts";
import { registerApplication, startAuthorizationServer } from "./testing.ts";

it("[S7] gives a code to the first of two that read it at once, and ends the grant for the second", async () => {
  await using server = await startAuthorizationServer();
  const { domain } = server;
  const { id: applicationId } = await registerApplication(server);
  const userId = (await domain.users.findByLogin("john"))?.user.id ?? "";
  await domain.grants.save({ id: "grant", userId, applicationId, scopes: ["openid"], payload: {} }, testSource);
  const adapter = createAdapters({
    ...domain,
    records: domain.oauthRecords,
    registration: "off",
    now: Date.now,
    graceSeconds: 0,
    successorOf: (id) => id,
  })("AuthorizationCode");
  await duringCall({ source: testSource, presented: null, report() {} }, async () => {
    await adapter.upsert("code", { grantId: "grant" }, 60);
    expect(await adapter.find("code")).not.toHaveProperty("consumed");
    await adapter.consume("code");
    expect(await domain.grants.payloadOf("grant")).not.toBeNull();
    await expect(adapter.consume("code")).rejects.toMatchObject({ error: "invalid_grant" });
    expect(await domain.grants.payloadOf("grant")).toBeNull();
  });
});
