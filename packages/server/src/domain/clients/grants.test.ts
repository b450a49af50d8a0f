import { RegisterClientInput } from "@lockstep/kit";
import { describe, expect, it } from "vitest";
import { engines } from "../../../test/engines.ts";
import { startTestServer, testClock, testSessionLimits, testSource } from "../../testing.ts";
import type { GrantedToken } from "./grants.ts";

const registration = RegisterClientInput.parse({
  name: "Photo app",
  kind: "web",
  redirectUris: ["https://photos.example/callback"],
  scopes: ["profile:read", "photos:read"],
});

const lifetimeSeconds = testSessionLimits.lifetimeSeconds;

describe.each(engines)("grants on $engine", ({ newDatabase }) => {
  const open = async () => {
    const database = await newDatabase("migrated");
    const clock = testClock();
    const server = await startTestServer({ databaseUrl: database.url, now: clock.now });
    const { clients, grants, users } = server.domain;
    const userId = (await users.findByLogin("john"))?.user.id ?? "";
    const clientId = (await clients.register(registration, "operator", testSource)).client.id;
    const save = (id: string, scopes = ["profile:read"]) =>
      grants.save({ id, userId, clientId, scopes, payload: { of: id } }, testSource);
    const token = (grantId: string): GrantedToken => ({
      grantId,
      tokenId: `token of ${grantId}`,
      clientId,
      userId,
    });
    return {
      ...server,
      ...server.domain,
      clock,
      userId,
      clientId,
      save,
      token,
      async [Symbol.asyncDispose]() {
        await server.close();
        await database.drop();
      },
    };
  };

  /** Whether a code and a refresh token that were issued under a grant still exist. */
  const issueUnder = async ({ oauthRecords, clock }: Awaited<ReturnType<typeof open>>, grantId: string) => {
    const kinds = ["AuthorizationCode", "RefreshToken"];
    const record = { payload: {}, grantId, alias: null, expiresAt: clock.now() + 60_000 };
    for (const kind of kinds) await oauthRecords.save(kind, `of ${grantId}`, record);
    return async () => {
      const found = await Promise.all(kinds.map((kind) => oauthRecords.find(kind, { id: `of ${grantId}` })));
      return found.filter((each) => each !== null).length;
    };
  };

  it("allow a client to act for the person within the granted scopes", async () => {
    await using opened = await open();
    await opened.save("g", ["profile:read", "nonsense"]);
    expect(await opened.grants.findLive(opened.token("g"))).toMatchObject({
      user: { id: opened.userId, username: "john" },
      scopes: ["profile:read"],
    });
    expect(await opened.grants.payloadOf("g")).toEqual({ of: "g" });
  });

  it("refuse a token that names another person's grant", async () => {
    await using opened = await open();
    await opened.save("g");
    expect(await opened.grants.findLive({ ...opened.token("g"), userId: "somebody-else" })).toBeNull();
    expect(await opened.grants.findLive({ ...opened.token("g"), clientId: "another-client" })).toBeNull();
    expect(await opened.grants.findLive(opened.token("none"))).toBeNull();
  });

  it("are never overwritten by a grant of the same ID for another person or client", async () => {
    await using opened = await open();
    const { grants, clients, users, userId, clientId } = opened;
    await opened.save("g");
    const mary = await users.create({
      username: "mary",
      email: null,
      fullName: "Mary",
      role: "user",
      passwordHash: await opened.passwords.hash("secret"),
    });
    const { client: other } = await clients.register(registration, "operator", testSource);
    for (const different of [{ userId: String(mary?.id) }, { clientId: other.id }]) {
      const taken = { id: "g", userId, clientId, scopes: ["photos:read"], payload: { of: "another" } };
      await expect(grants.save({ ...taken, ...different }, testSource)).rejects.toThrow("A grant of this ID");
    }
    expect(await grants.payloadOf("g")).toEqual({ of: "g" });
    expect(await grants.findLive(opened.token("g"))).toMatchObject({ scopes: ["profile:read"] });
  });

  it("are invalid once they have expired, also before they are deleted", async () => {
    await using opened = await open();
    const { grants, clock, userId, clientId } = opened;
    await opened.save("g");
    clock.advanceSeconds(lifetimeSeconds - 1);
    expect(await grants.findLive(opened.token("g"))).not.toBeNull();
    expect(await grants.payloadOf("g")).not.toBeNull();
    expect((await grants.scopesOf(userId, clientId)).size).toBe(1);
    expect(await grants.list(userId)).toHaveLength(1);
    clock.advanceSeconds(1);
    expect(await grants.findLive(opened.token("g"))).toBeNull();
    expect(await grants.payloadOf("g")).toBeNull();
    expect((await grants.scopesOf(userId, clientId)).size).toBe(0);
    expect(await grants.list(userId)).toEqual([]);
    expect(await grants.used("g")).toBe(false);
    expect(await grants.deleteExpired(10)).toBe(1);
  });

  it("are extended with each token that is issued under them", async () => {
    await using opened = await open();
    await opened.save("g");
    opened.clock.advanceSeconds(lifetimeSeconds - 1);
    expect(await opened.grants.used("g")).toBe(true);
    opened.clock.advanceSeconds(lifetimeSeconds - 1);
    expect(await opened.grants.findLive(opened.token("g"))).not.toBeNull();
  });

  it("[S29] are revoked with their codes and refresh tokens, and no others", async () => {
    await using opened = await open();
    const { grants, userId, clientId } = opened;
    for (const id of ["one", "other"]) await opened.save(id);
    const [ofOne, ofOther] = [await issueUnder(opened, "one"), await issueUnder(opened, "other")];
    await grants.end("one", "grant.revoke", testSource);
    expect([await ofOne(), await ofOther()]).toEqual([0, 2]);
    expect(await grants.findLive(opened.token("one"))).toBeNull();
    expect(await grants.findLive(opened.token("other"))).not.toBeNull();

    expect(await grants.revoke(userId, clientId, testSource)).toBe(true);
    expect(await ofOther()).toBe(0);
    expect(await grants.revoke(userId, clientId, testSource)).toBe(false);
  });

  it("[S29] are revoked with their codes and refresh tokens when all of a person's are revoked", async () => {
    await using opened = await open();
    const { db, grants, userId } = opened;
    await opened.save("g");
    const left = await issueUnder(opened, "g");
    await db.transaction().execute((transaction) => grants.revokeAllOf(userId, testSource, transaction));
    expect(await left()).toBe(0);
    expect(await grants.findLive(opened.token("g"))).toBeNull();
  });

  it("[S28] of other people stay when a person revokes theirs", async () => {
    await using opened = await open();
    await opened.save("g");
    expect(await opened.grants.revoke("somebody-else", opened.clientId, testSource)).toBe(false);
    expect(await opened.grants.revoke(opened.userId, "another-client", testSource)).toBe(false);
    expect(await opened.grants.findLive(opened.token("g"))).not.toBeNull();
  });

  it("are invalid for a disabled person", async () => {
    await using opened = await open();
    await opened.save("g");
    await opened.db.updateTable("users").set({ disabled: 1 }).where("id", "=", opened.userId).execute();
    expect(await opened.grants.findLive(opened.token("g"))).toBeNull();
    expect(await opened.grants.payloadOf("g")).toBeNull();
  });

  it("are invalid for a revoked token", async () => {
    await using opened = await open();
    await opened.save("g");
    await opened.spentIds.spend("access-token", opened.token("g").tokenId, 60);
    expect(await opened.grants.findLive(opened.token("g"))).toBeNull();
    expect(await opened.grants.findLive({ ...opened.token("g"), tokenId: "another" })).not.toBeNull();
  });

  it("are written and audited once when the same one is written five times at once", async () => {
    await using opened = await open();
    await Promise.all([1, 2, 3, 4, 5].map(() => opened.save("g")));
    expect(await opened.db.selectFrom("grants").select("id").execute()).toEqual([{ id: "g" }]);
    const entries = await opened.audit.list({ limit: 10 });
    expect(entries.filter(({ action }) => action === "grant.approve")).toHaveLength(1);
  });
});
