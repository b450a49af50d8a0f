import { RegisterClientInput } from "@lockstep/kit";
import { describe, expect, it } from "vitest";
import { engines } from "../../../test/engines.ts";
import { startTestServer, testClock, testSource } from "../../testing.ts";
import { isSecretOf, type Owner } from "./clients.ts";

const photos: RegisterClientInput = RegisterClientInput.parse({
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
    const { clients, grants } = server.domain;
    const john = (await server.domain.users.findByLogin("john"))?.user.id ?? "";
    const owner: Owner = { userId: john };
    const { client } = await clients.register(photos, owner, testSource);
    return {
      ...server,
      clients,
      grants,
      owner,
      john,
      id: client.id,
      async [Symbol.asyncDispose]() {
        await server.close();
        await database.drop();
      },
    };
  };

  /** A client that is verified, has every exception, and was granted access by a user. */
  const openTrusted = async () => {
    const opened = await open();
    const { clients, grants, id, john } = opened;
    await clients.setVerified(id, true, testSource);
    await clients.setExceptions(id, { mayIntrospect: true }, testSource);
    const grant = { id: "a-grant", userId: john, clientId: id, scopes: ["profile:read"], payload: {} };
    await grants.save(grant, testSource);
    return opened;
  };

  it.each(["everything", "openid", "constructor", "__proto__"])(
    "cannot be registered or changed with the scope %j, which the contract does not have",
    async (scope) => {
      await using server = await open();
      const { clients, owner, id } = server;
      const refused = {
        code: "INVALID_INPUT",
        details: { issues: [{ path: ["scopes", 1], message: "Must be a scope of this service" }] },
      };
      const input = { ...photos, scopes: ["profile:read", scope] };
      await expect(clients.register(input, owner, testSource)).rejects.toMatchObject(refused);
      await expect(clients.register(input, "operator", testSource)).rejects.toMatchObject(refused);
      await expect(clients.update(id, input, owner, testSource)).rejects.toMatchObject(refused);
      expect((await clients.find(id))?.scopes).toEqual(["profile:read"]);
    },
  );

  const changes: Partial<RegisterClientInput>[] = [
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

  it("[S85] [S86] lose verification and exceptions, and ask every user again, when their owner changes them", async () => {
    await using server = await openTrusted();
    const { clients, grants, owner, john, id } = server;
    for (const change of changes) {
      await clients.update(id, photos, "operator", testSource);
      await clients.setVerified(id, true, testSource);
      await clients.setExceptions(
        id,
        { mayIntrospect: true, mayOmitPkce: true, assertsToTokenEndpoint: true },
        testSource,
      );
      const grant = { id: `a-grant-${JSON.stringify(change)}`, userId: john, clientId: id, payload: {} };
      await grants.save({ ...grant, scopes: ["profile:read"] }, testSource);
      expect(await grants.isForCurrentClient(grant.id)).toBe(true);

      const changed = await clients.update(id, { ...photos, ...change }, owner, testSource);
      const none = { mayIntrospect: false, mayOmitPkce: false, assertsToTokenEndpoint: false };
      expect({ change, ...changed }).toMatchObject({ change, verified: false, ...none });
      expect([...(await grants.scopesOf(john, id))]).toEqual([]);
      expect(await grants.isForCurrentClient(grant.id)).toBe(false);
      // An operator's verification does not restore consent that people gave before the change.
      await clients.setVerified(id, true, testSource);
      expect(await grants.isForCurrentClient(grant.id)).toBe(false);
    }
  });

  it("keep their grants when they change", async () => {
    await using server = await openTrusted();
    const { clients, grants, owner, john, id } = server;
    await clients.update(id, { ...photos, name: "Photos" }, owner, testSource);
    expect(await grants.payloadOf("a-grant")).toEqual({});
    expect((await grants.list(john)).map(({ client }) => client.name)).toEqual(["Photos"]);
  });

  it("keep their verification when nothing changes", async () => {
    await using server = await openTrusted();
    const { clients, grants, owner, john, id } = server;
    const same = await clients.update(id, photos, owner, testSource);
    expect(same).toMatchObject({ verified: true, mayIntrospect: true });
    await clients.rotateSecret(id, owner, testSource);
    expect(await clients.find(id)).toMatchObject({ verified: true, mayIntrospect: true });
    expect([...(await grants.scopesOf(john, id))]).toEqual(["profile:read"]);
  });

  it("keep their verification when an operator changes them", async () => {
    await using server = await openTrusted();
    const { clients, grants, john, id } = server;
    const changed = await clients.update(id, { ...photos, name: "Photos" }, "operator", testSource);
    expect(changed).toMatchObject({ name: "Photos", verified: true, mayIntrospect: true });
    expect([...(await grants.scopesOf(john, id))]).toEqual(["profile:read"]);
  });

  it("[S99] cannot have the product's name from their owner, but from an operator", async () => {
    await using server = await open();
    const { clients, id, owner } = server;
    const named = { ...photos, name: "Lockstep Backup" };
    await expect(clients.register(named, owner, testSource)).rejects.toMatchObject({
      code: "CLIENT_NAME_REFUSED",
    });
    await expect(clients.update(id, named, owner, testSource)).rejects.toMatchObject({
      code: "CLIENT_NAME_REFUSED",
    });
    expect((await clients.find(id))?.name).toBe("Photo app");
    expect((await clients.register(named, "operator", testSource)).client.verified).toBe(true);
    expect(await clients.update(id, named, "operator", testSource)).toMatchObject({ name: "Lockstep Backup" });
  });

  /**
   * A registration over the wire: it contains more than the contract's input can express, and some values in another
   * form.
   */
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
  const asSeen: RegisterClientInput = {
    ...photos,
    postLogoutRedirectUris: [],
    backchannelLogoutUri: wire.backchannel_logout_uri,
    requirePushedRequests: true,
    requireDpop: true,
  };

  /** A client that registered over the wire, and its stored registration after a change. */
  const openWire = async () => {
    const opened = await open();
    const { clients, john, db } = opened;
    await clients.registerOverWire("wire", { name: "Photo app", secret: "s", registration: wire }, testSource);
    await db.updateTable("applications").set({ owner_id: john }).where("id", "=", "wire").execute();
    const stored = async () => (await clients.registrationOf("wire"))?.registration;
    return Object.assign(opened, { stored });
  };

  it("keep the parts of a wire registration that an input cannot express, whether owner or operator changes them", async () => {
    await using server = await openWire();
    const { clients, owner, stored } = server;
    for (const by of ["operator", owner] as const) {
      await clients.update("wire", { ...asSeen, name: `Photos of ${by === owner}` }, by, testSource);
      expect(await stored()).toEqual(wire);
    }
    await clients.update("wire", { ...asSeen, scopes: ["profile:read", "profile:write"] }, owner, testSource);
    expect(await stored()).toEqual({ ...wire, scope: "openid profile:read profile:write" });
  });

  it("lose details that an input leaves out", async () => {
    await using server = await openWire();
    const { clients, owner, stored } = server;
    const cleared = { uri: null, backchannelLogoutUri: null, requirePushedRequests: false, requireDpop: false };
    await clients.update("wire", { ...asSeen, ...cleared }, owner, testSource);
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
    await clients.update("wire", { ...asSeen, jwksUri }, owner, testSource);
    expect(await stored()).toMatchObject({ jwks_uri: jwksUri, token_endpoint_auth_method: "private_key_jwt" });
    await clients.update("wire", asSeen, owner, testSource);
    expect(await stored()).not.toHaveProperty("jwks_uri");
    expect(await stored()).toMatchObject({ policy_uri: wire.policy_uri, id_token_signed_response_alg: "ES256" });

    const browser = await clients.update("wire", { ...asSeen, kind: "browser" }, owner, testSource);
    expect(browser?.kind).toBe("browser");
    expect(await stored()).toMatchObject({ token_endpoint_auth_method: "none", contacts: wire.contacts });
  });

  it("that registered over the wire keep their verification when their owner changes nothing, and lose it otherwise", async () => {
    await using server = await openWire();
    const { clients, owner } = server;
    await clients.setVerified("wire", true, testSource);
    await clients.setExceptions("wire", { mayIntrospect: true }, testSource);
    const trusted = { verified: true, mayIntrospect: true };
    expect(await clients.update("wire", asSeen, owner, testSource)).toMatchObject(trusted);
    const changed = await clients.update("wire", { ...asSeen, requireDpop: false }, owner, testSource);
    expect(changed).toMatchObject({ verified: false, mayIntrospect: false });
  });

  it("can be changed, deleted and given secrets only by their owner and by operators", async () => {
    await using server = await open();
    const { clients, id, owner } = server;
    const stranger: Owner = { userId: "somebody-else" };
    const before = await clients.find(id);
    expect(await clients.update(id, { ...photos, name: "Stolen" }, stranger, testSource)).toBeNull();
    expect(await clients.rotateSecret(id, stranger, testSource)).toBeNull();
    expect(await clients.delete(id, stranger, testSource)).toBe(false);
    expect(await clients.list(stranger)).toEqual([]);
    expect(await clients.find(id)).toEqual(before);
    expect(await clients.delete(id, owner, testSource)).toBe(true);
    expect(await clients.find(id)).toBeNull();
  });

  it("get another secret only if they authenticate with one: a registration may contain keys", async () => {
    await using server = await open();
    const { clients, owner, id } = server;
    const { redirect_uris } = wire;
    const keys = { token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [{ kty: "EC" }] } };
    const registrations = {
      "with-keys": { redirect_uris, ...keys },
      "at-an-address": { redirect_uris, ...keys, jwks: undefined, jwks_uri: "https://photos.example/jwks" },
      public: { redirect_uris, token_endpoint_auth_method: "none" },
      post: { redirect_uris, token_endpoint_auth_method: "client_secret_post" },
    };
    for (const [wireId, registration] of Object.entries(registrations))
      await clients.registerOverWire(wireId, { name: "Photo app", secret: null, registration }, testSource);
    for (const wireId of ["with-keys", "at-an-address", "public"]) {
      await expect(clients.rotateSecret(wireId, "operator", testSource)).rejects.toMatchObject({
        code: "CLIENT_HAS_NO_SECRET",
      });
      expect((await clients.registrationOf(wireId))?.secretHash).toBeNull();
      // Other people must not learn how a client authenticates.
      expect(await clients.rotateSecret(wireId, owner, testSource)).toBeNull();
    }
    for (const [withSecret, by] of [
      ["post", "operator"],
      [id, owner],
    ] as const) {
      const rotated = await clients.rotateSecret(withSecret, by, testSource);
      const { secretHash: stored } = (await clients.registrationOf(withSecret)) ?? {};
      expect(isSecretOf(stored ?? "", rotated?.secret ?? "")).toBe(true);
    }
  });

  it("are deleted with their grants", async () => {
    await using server = await openTrusted();
    await server.clients.delete(server.id, "operator", testSource);
    expect(await server.grants.payloadOf("a-grant")).toBeNull();
  });
});
