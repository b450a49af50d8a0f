import { RegisterApplicationInput } from "@lockstep/kit";
import { describe, expect, it } from "vitest";
import { engines } from "../../test/engines.ts";
import { startTestServer, testClock, testSource } from "../testing.ts";
import { isSecretOf, type Owner } from "./applications.ts";

const photos: RegisterApplicationInput = RegisterApplicationInput.parse({
  name: "Photo app",
  kind: "web",
  uri: "https://photos.example",
  redirectUris: ["https://photos.example/callback"],
  postLogoutRedirectUris: ["https://photos.example/bye"],
  scopes: ["profile:read"],
});

describe.each(engines)("clients on $engine", ({ newDatabase }) => {
  const open = async () => {
    const database = await newDatabase("migrated");
    const server = await startTestServer({ databaseUrl: database.url, now: testClock().now });
    const { applications, grants } = server.domain;
    const john = (await server.domain.users.findByLogin("john"))?.user.id ?? "";
    const owner: Owner = { userId: john };
    const { application } = await applications.register(photos, owner, testSource);
    return {
      ...server,
      applications,
      grants,
      owner,
      john,
      id: application.id,
      async [Symbol.asyncDispose]() {
        await server.close();
        await database.drop();
      },
    };
  };

  /** Verified by an operator, with every right that one can give, and granted by a person. */
  const openTrusted = async () => {
    const opened = await open();
    const { applications, grants, id, john } = opened;
    await applications.setVerified(id, true, testSource);
    await applications.setExceptions(id, { mayIntrospect: true }, testSource);
    const grant = { id: "a-grant", userId: john, applicationId: id, scopes: ["profile:read"], payload: {} };
    await grants.save(grant, testSource);
    return opened;
  };

  it.each(["everything", "openid", "constructor", "__proto__"])(
    "refuse the scope %j, which is none of the contract's, by whoever registers or changes one",
    async (scope) => {
      await using server = await open();
      const { applications, owner, id } = server;
      const refused = {
        code: "INVALID_INPUT",
        details: { issues: [{ path: ["scopes", 1], message: "Must be a scope of this service" }] },
      };
      const input = { ...photos, scopes: ["profile:read", scope] };
      await expect(applications.register(input, owner, testSource)).rejects.toMatchObject(refused);
      await expect(applications.register(input, "operator", testSource)).rejects.toMatchObject(refused);
      await expect(applications.update(id, input, owner, testSource)).rejects.toMatchObject(refused);
      expect((await applications.find(id))?.scopes).toEqual(["profile:read"]);
    },
  );

  const changes: Partial<RegisterApplicationInput>[] = [
    { name: "Photos" },
    { redirectUris: ["https://evil.example/callback"] },
    { redirectUris: [...photos.redirectUris, "https://evil.example/callback"] },
    { postLogoutRedirectUris: [] },
    { uri: "https://evil.example" },
    { uri: null },
    { jwksUri: "https://evil.example/jwks" },
    { backchannelLogoutUri: "https://evil.example/logout" },
    { scopes: ["profile:read", "profile:write"] },
    { kind: "native" },
    { requirePushedRequests: true },
    { requireDpop: true },
  ];

  it("[S85] [S86] that their owner changes are verified no more, lose their exceptions and ask everybody again", async () => {
    await using server = await openTrusted();
    const { applications, grants, owner, john, id } = server;
    for (const change of changes) {
      await applications.update(id, photos, "operator", testSource);
      await applications.setVerified(id, true, testSource);
      await applications.setExceptions(
        id,
        { mayIntrospect: true, mayOmitPkce: true, assertsToTokenEndpoint: true },
        testSource,
      );
      const grant = { id: `a-grant-${JSON.stringify(change)}`, userId: john, applicationId: id, payload: {} };
      await grants.save({ ...grant, scopes: ["profile:read"] }, testSource);
      expect(await grants.answersFor(grant.id)).toBe(true);

      const changed = await applications.update(id, { ...photos, ...change }, owner, testSource);
      const none = { mayIntrospect: false, mayOmitPkce: false, assertsToTokenEndpoint: false };
      expect({ change, ...changed }).toMatchObject({ change, verified: false, ...none });
      expect([...(await grants.scopesOf(john, id))]).toEqual([]);
      expect(await grants.answersFor(grant.id)).toBe(false);
      // An operator who verifies it again vouches for what it is now, not for what people granted before.
      await applications.setVerified(id, true, testSource);
      expect(await grants.answersFor(grant.id)).toBe(false);
    }
  });

  it("keep what was granted when they change: their tokens are still theirs", async () => {
    await using server = await openTrusted();
    const { applications, grants, owner, john, id } = server;
    await applications.update(id, { ...photos, name: "Photos" }, owner, testSource);
    expect(await grants.payloadOf("a-grant")).toEqual({});
    expect((await grants.list(john)).map(({ application }) => application.name)).toEqual(["Photos"]);
  });

  it("stay as trusted as they are when nothing changes", async () => {
    await using server = await openTrusted();
    const { applications, grants, owner, john, id } = server;
    const same = await applications.update(id, photos, owner, testSource);
    expect(same).toMatchObject({ verified: true, mayIntrospect: true });
    await applications.rotateSecret(id, owner, testSource);
    expect(await applications.find(id)).toMatchObject({ verified: true, mayIntrospect: true });
    expect([...(await grants.scopesOf(john, id))]).toEqual(["profile:read"]);
  });

  it("stay as trusted as they are when an operator changes them", async () => {
    await using server = await openTrusted();
    const { applications, grants, john, id } = server;
    const changed = await applications.update(id, { ...photos, name: "Photos" }, "operator", testSource);
    expect(changed).toMatchObject({ name: "Photos", verified: true, mayIntrospect: true });
    expect([...(await grants.scopesOf(john, id))]).toEqual(["profile:read"]);
  });

  it("[S99] are not named for the product by their owner; an operator may name them so", async () => {
    await using server = await open();
    const { applications, id, owner } = server;
    const named = { ...photos, name: "Lockstep Backup" };
    await expect(applications.register(named, owner, testSource)).rejects.toMatchObject({
      code: "CLIENT_NAME_REFUSED",
    });
    await expect(applications.update(id, named, owner, testSource)).rejects.toMatchObject({
      code: "CLIENT_NAME_REFUSED",
    });
    expect((await applications.find(id))?.name).toBe("Photo app");
    expect((await applications.register(named, "operator", testSource)).application.verified).toBe(true);
    expect(await applications.update(id, named, "operator", testSource)).toMatchObject({ name: "Lockstep Backup" });
  });

  /** As a registration over the wire leaves it: with more than the contract's input can say, and in other words. */
  const wire = {
    redirect_uris: ["https://photos.example/callback"],
    post_logout_redirect_uris: [],
    grant_types: ["authorization_code"],
    response_types: ["code"],
    token_endpoint_auth_method: "client_secret_post",
    scope: "openid profile:read",
    client_uri: "https://photos.example",
    contacts: ["help@photos.example"],
    policy_uri: "https://photos.example/policy",
    id_token_signed_response_alg: "ES256",
    backchannel_logout_uri: "https://photos.example/logout",
    backchannel_logout_session_required: false,
    require_pushed_authorization_requests: true,
    dpop_bound_access_tokens: true,
  };
  const asSeen: RegisterApplicationInput = {
    ...photos,
    postLogoutRedirectUris: [],
    backchannelLogoutUri: wire.backchannel_logout_uri,
    requirePushedRequests: true,
    requireDpop: true,
  };

  /** A client that was registered over the wire, and what is stored of it after a change. */
  const openWire = async () => {
    const opened = await open();
    const { applications, john, db } = opened;
    await applications.takeIn("wire", { name: "Photo app", secret: "s", registration: wire }, testSource);
    await db.updateTable("applications").set({ owner_id: john }).where("id", "=", "wire").execute();
    const stored = async () => (await applications.registrationOf("wire"))?.registration;
    return Object.assign(opened, { stored });
  };

  it("keep what only the wire can say of them, whoever changes them", async () => {
    await using server = await openWire();
    const { applications, owner, stored } = server;
    for (const by of ["operator", owner] as const) {
      await applications.update("wire", { ...asSeen, name: `Photos of ${by === owner}` }, by, testSource);
      expect(await stored()).toEqual(wire);
    }
    await applications.update("wire", { ...asSeen, scopes: ["profile:read", "profile:write"] }, owner, testSource);
    expect(await stored()).toEqual({ ...wire, scope: "openid profile:read profile:write" });
  });

  it("lose what an input can say and leaves out", async () => {
    await using server = await openWire();
    const { applications, owner, stored } = server;
    const cleared = { uri: null, backchannelLogoutUri: null, requirePushedRequests: false, requireDpop: false };
    await applications.update("wire", { ...asSeen, ...cleared }, owner, testSource);
    const {
      client_uri: _,
      backchannel_logout_uri: __,
      backchannel_logout_session_required: ___,
      require_pushed_authorization_requests: ____,
      dpop_bound_access_tokens: _____,
      ...left
    } = wire;
    expect(await stored()).toEqual(left);

    const jwksUri = "https://photos.example/jwks";
    await applications.update("wire", { ...asSeen, jwksUri }, owner, testSource);
    expect(await stored()).toMatchObject({ jwks_uri: jwksUri, token_endpoint_auth_method: "private_key_jwt" });
    await applications.update("wire", asSeen, owner, testSource);
    expect(await stored()).not.toHaveProperty("jwks_uri");
    expect(await stored()).toMatchObject({ policy_uri: wire.policy_uri, id_token_signed_response_alg: "ES256" });

    const browser = await applications.update("wire", { ...asSeen, kind: "browser" }, owner, testSource);
    expect(browser?.kind).toBe("browser");
    expect(await stored()).toMatchObject({ token_endpoint_auth_method: "none", contacts: wire.contacts });
  });

  it("that came over the wire stay as trusted as they are when their owner changes nothing, and not otherwise", async () => {
    await using server = await openWire();
    const { applications, owner } = server;
    await applications.setVerified("wire", true, testSource);
    await applications.setExceptions("wire", { mayIntrospect: true }, testSource);
    const trusted = { verified: true, mayIntrospect: true };
    expect(await applications.update("wire", asSeen, owner, testSource)).toMatchObject(trusted);
    const changed = await applications.update("wire", { ...asSeen, requireDpop: false }, owner, testSource);
    expect(changed).toMatchObject({ verified: false, mayIntrospect: false });
  });

  it("are changed, deleted and given secrets by their owner and by operators alone", async () => {
    await using server = await open();
    const { applications, id, owner } = server;
    const stranger: Owner = { userId: "somebody-else" };
    const before = await applications.find(id);
    expect(await applications.update(id, { ...photos, name: "Stolen" }, stranger, testSource)).toBeNull();
    expect(await applications.rotateSecret(id, stranger, testSource)).toBeNull();
    expect(await applications.delete(id, stranger, testSource)).toBe(false);
    expect(await applications.list(stranger)).toEqual([]);
    expect(await applications.find(id)).toEqual(before);
    expect(await applications.delete(id, owner, testSource)).toBe(true);
    expect(await applications.find(id)).toBeNull();
  });

  it("get another secret only where they authenticate with one: keys may stand in the registration itself", async () => {
    await using server = await open();
    const { applications, owner, id } = server;
    const { redirect_uris } = wire;
    const keys = { token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [{ kty: "EC" }] } };
    const registrations = {
      "with-keys": { redirect_uris, ...keys },
      "at-an-address": { redirect_uris, ...keys, jwks: undefined, jwks_uri: "https://photos.example/jwks" },
      public: { redirect_uris, token_endpoint_auth_method: "none" },
      post: { redirect_uris, token_endpoint_auth_method: "client_secret_post" },
    };
    for (const [wireId, registration] of Object.entries(registrations))
      await applications.takeIn(wireId, { name: "Photo app", secret: null, registration }, testSource);
    for (const wireId of ["with-keys", "at-an-address", "public"]) {
      await expect(applications.rotateSecret(wireId, "operator", testSource)).rejects.toMatchObject({
        code: "CLIENT_HAS_NO_SECRET",
      });
      expect((await applications.registrationOf(wireId))?.secretHash).toBeNull();
      // Nobody learns of other people's clients how they authenticate.
      expect(await applications.rotateSecret(wireId, owner, testSource)).toBeNull();
    }
    for (const [withSecret, by] of [
      ["post", "operator"],
      [id, owner],
    ] as const) {
      const rotated = await applications.rotateSecret(withSecret, by, testSource);
      const { secretHash: stored } = (await applications.registrationOf(withSecret)) ?? {};
      expect(isSecretOf(stored ?? "", rotated?.secret ?? "")).toBe(true);
    }
  });

  it("take their grants with them when they are deleted", async () => {
    await using server = await openTrusted();
    await server.applications.delete(server.id, "operator", testSource);
    expect(await server.grants.payloadOf("a-grant")).toBeNull();
  });
});
