import { describe, expect, it } from "vitest";
import { engines } from "../../../test/engines.ts";
import { grantedToken, john, startTestServer, testClock, testSource, typed } from "../../testing.ts";

const newPassword = "a heron stands in the shallow river";
const day = 24 * 60 * 60;

describe.each(engines)("a new password on $engine", ({ newDatabase }) => {
  /** `daysAgo`: when the clock starts, for tests that move it to the real time, which tokens contain. */
  const start = async (daysAgo = 0) => {
    const database = await newDatabase("migrated");
    const clock = testClock(Date.now() - daysAgo * day * 1000);
    const server = await startTestServer({ databaseUrl: database.url, now: clock.now });
    const { domain } = server;
    const owner = await domain.signIn.withPassword(typed(john.username, john.password));
    const userId = owner.user.id;
    const link = async (subject: string) =>
      (await domain.identities.link(
        userId,
        "north",
        {
          issuer: "https://north.example",
          subject,
          email: `${subject}@example.org`,
          emailVerified: true,
          fullName: null,
          username: subject,
        },
        testSource,
      )) ?? "";
    return {
      ...server,
      clock,
      owner,
      userId,
      link,
      grant: () => grantedToken(server, userId, ["profile:read"]),
      isAccepted: (token: string) =>
        domain.guard.authenticate({ kind: "bearer", token }).then(
          () => true,
          () => false,
        ),
      subjects: async () => (await domain.identities.list(userId)).identities.map(({ email }) => email).toSorted(),
      async [Symbol.asyncDispose]() {
        await server.close();
        await database.drop();
      },
    };
  };

  it("is set when it was last changed, not when a change was refused or somebody signed in", async () => {
    await using server = await start();
    const { passwordChange, passwords, signIn, users } = server.domain;
    const other = await users.create({
      username: "jane",
      email: null,
      emailProof: null,
      fullName: "Jane Doe",
      role: "user",
      passwordHash: null,
    });
    await passwordChange.byAdministrator(server.userId, await passwords.hash(newPassword), testSource);
    const setAt = server.clock.now();
    server.clock.advanceSeconds(day);
    const owner = await signIn.withPassword(typed(john.username, newPassword));
    const refused = {
      action: "password.change",
      outcome: "refused",
      userId: server.userId,
      source: testSource,
    } as const;
    await server.domain.audit.record(refused);
    expect(await passwordChange.lastSetAt(server.userId)).toBe(setAt);
    await passwordChange.byOwner(owner, { currentPassword: newPassword, newPassword: `${newPassword}!` }, testSource);
    expect(await passwordChange.lastSetAt(server.userId)).toBe(setAt + day * 1000);
    expect(await passwordChange.lastSetAt(other?.id ?? "")).toBeNull();
  });

  it("set by an operator revokes every session and grant, and lists recent identities [S87]", async () => {
    await using server = await start(31);
    const { passwordChange, passwords, audit } = server.domain;
    await server.link("old");
    server.clock.advanceSeconds(31 * day);
    await server.link("new");
    const session = await server.domain.signIn.withPassword(typed(john.username, john.password));
    const { accessToken } = await server.grant();
    expect(await server.isAccepted(accessToken)).toBe(true);
    const remaining = await passwordChange.byAdministrator(
      server.userId,
      await passwords.hash(newPassword),
      testSource,
    );
    expect(remaining.map(({ email }) => email)).toEqual(["new@example.org"]);
    expect([await server.isAccepted(session.accessToken), await server.isAccepted(accessToken)]).toEqual([
      false,
      false,
    ]);
    expect(await server.domain.grants.list(server.userId)).toEqual([]);
    expect((await audit.list({ userId: server.userId, limit: 20 })).map(({ action }) => action)).toContain(
      "grant.revoke",
    );
  });

  it("set by an operator unlinks identities of the last 30 days if asked to, and keeps older ones [S87]", async () => {
    await using server = await start();
    const { passwordChange, passwords } = server.domain;
    await server.link("old");
    server.clock.advanceSeconds(31 * day);
    await server.link("new");
    const hash = await passwords.hash(newPassword);
    const options = { unlinkRecentIdentities: true };
    expect(await passwordChange.byAdministrator(server.userId, hash, testSource, options)).toEqual([]);
    expect(await server.subjects()).toEqual(["old@example.org"]);
  });

  it("set by the owner keeps grants and identities, unless the owner revokes them with it [S87]", async () => {
    await using server = await start();
    const { passwordChange } = server.domain;
    const [first, second] = [await server.link("first"), await server.link("second")];
    const { accessToken } = await server.grant();
    const change = { currentPassword: john.password, newPassword };
    await passwordChange.byOwner(server.owner, change, testSource);
    expect(await server.isAccepted(accessToken)).toBe(true);
    expect(await server.subjects()).toEqual(["first@example.org", "second@example.org"]);

    const back = { currentPassword: newPassword, newPassword: "another heron stands in the river" };
    const revoked = { revokeGrants: true, unlinkIdentities: [second, "not-linked"] };
    await passwordChange.byOwner(server.owner, { ...back, ...revoked }, testSource);
    expect(await server.isAccepted(accessToken)).toBe(false);
    expect(await server.isAccepted(server.owner.accessToken)).toBe(true);
    expect(await server.subjects()).toEqual(["first@example.org"]);
    expect(first).not.toBe("");
  });

  it("does not unlink identities of another account [S87]", async () => {
    await using server = await start();
    const { users, identities, passwordChange } = server.domain;
    const jane = { username: "jane", email: null, fullName: "Jane", role: "user", passwordHash: null } as const;
    const janesId = (await users.create(jane))?.id ?? "";
    const who = { issuer: "https://north.example", subject: "jane", email: null, emailVerified: false };
    const hers = await identities.link(janesId, "north", { ...who, fullName: null, username: null }, testSource);
    const change = { currentPassword: john.password, newPassword, unlinkIdentities: [String(hers)] };
    await passwordChange.byOwner(server.owner, change, testSource);
    expect(await identities.find(who)).toEqual({ id: hers, userId: janesId });
  });

  it("set by the owner revokes the grants of the clients that the owner names, and no others [S87]", async () => {
    await using server = await start();
    const [kept, revoked] = [await server.grant(), await server.grant()];
    const change = { currentPassword: john.password, newPassword };
    const revokeGrants = [revoked.clientId, "no-such-client"];
    await server.domain.passwordChange.byOwner(server.owner, { ...change, revokeGrants }, testSource);
    expect([await server.isAccepted(kept.accessToken), await server.isAccepted(revoked.accessToken)]).toEqual([
      true,
      false,
    ]);
    const back = { currentPassword: newPassword, newPassword: "another heron stands in the river" };
    await server.domain.passwordChange.byOwner(server.owner, { ...back, revokeGrants: [] }, testSource);
    expect(await server.isAccepted(kept.accessToken)).toBe(true);
  });

  it("revokes nothing when it is refused", async () => {
    await using server = await start();
    const id = await server.link("first");
    const { accessToken } = await server.grant();
    const change = { newPassword, revokeGrants: true, unlinkIdentities: [id] };
    await expect(
      server.domain.passwordChange.byOwner(server.owner, { ...change, currentPassword: "wrong" }, testSource),
    ).rejects.toMatchObject({ code: "INVALID_CREDENTIALS" });
    await expect(server.domain.passwordChange.setFirst(server.owner, change, testSource)).rejects.toMatchObject({
      code: "PASSWORD_EXISTS",
    });
    expect(await server.isAccepted(accessToken)).toBe(true);
    expect(await server.subjects()).toEqual(["first@example.org"]);
  });

  it("is offered with a list of the identities and grants of the last 30 days [S87]", async () => {
    await using server = await start();
    await server.link("old");
    await server.grant();
    server.clock.advanceSeconds(31 * day);
    await server.link("new");
    const { clientId } = await server.grant();
    const recent = await server.domain.passwordChange.recentAccess(server.userId);
    expect(recent.identities.map(({ email }) => email)).toEqual(["new@example.org"]);
    expect(recent.grants.map(({ client }) => client.id)).toEqual([clientId]);
    expect(recent.factors).toEqual([]);
  });

  it("can be set once as the first one, and revokes the other sessions", async () => {
    await using server = await start();
    const { passwordChange, sessions, signIn, audit } = server.domain;
    const another = await signIn.withPassword(typed(john.username, john.password));
    await server.db.updateTable("users").set({ password_hash: null }).where("id", "=", server.userId).execute();
    const outcomes = await Promise.allSettled([
      passwordChange.setFirst(server.owner, { newPassword }, testSource),
      passwordChange.setFirst(server.owner, { newPassword }, testSource),
    ]);
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(outcomes.find(({ status }) => status === "rejected")).toMatchObject({ reason: { code: "PASSWORD_EXISTS" } });
    expect(await sessions.findLive(another.session.id)).toBeNull();
    expect(await sessions.findLive(server.owner.session.id)).not.toBeNull();
    await signIn.withPassword(typed(john.username, newPassword));
    expect((await audit.list({ userId: server.userId, limit: 20 })).map(({ action }) => action)).toContain(
      "password.create",
    );
  });

  it("must satisfy the policy also as the first one", async () => {
    await using server = await start();
    await server.db.updateTable("users").set({ password_hash: null }).where("id", "=", server.userId).execute();
    await expect(
      server.domain.passwordChange.setFirst(server.owner, { newPassword: "short" }, testSource),
    ).rejects.toMatchObject({ code: "PASSWORD_REFUSED" });
  });
});
