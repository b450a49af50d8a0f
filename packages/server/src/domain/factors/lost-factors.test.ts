// What becomes of people who have lost their factors, and of sessions of people who have to add one.

import { describe, expect, it } from "vitest";
import { engines } from "../../../test/engines.ts";
import { testSource } from "../../testing.ts";
import { refusalOf } from "../accounts/testing.ts";
import { startFactors } from "./testing.ts";

const day = 24 * 3600;

describe.each(engines)("a reset of lost factors on $engine", ({ newDatabase }) => {
  const start = async (settings = {}) => {
    const server = await startFactors(newDatabase, settings);
    const owner = await server.signIn();
    const app = await server.addTotp(owner);
    await server.takeMails();
    const { id } = owner.user;
    const { factors, audit } = server.domain;
    return {
      server,
      owner,
      app,
      id,
      request: () => factors.requestReset(id, testSource),
      upkeep: () => factors.resetDue(100),
      mails: async () => (await server.takeMails()).map(({ template }) => template),
      actions: async () => (await audit.list({ userId: id, limit: 20 })).map(({ action }) => action),
      [Symbol.asyncDispose]: server[Symbol.asyncDispose],
    };
  };

  it("[S112] takes effect after the waiting period; the owner is told when it begins and when it ends", async () => {
    await using it = await start();
    const { server, owner, id } = it;
    const resetsAt = server.clock.now() + day * 1000;
    expect(await it.request()).toBe(resetsAt);
    expect(await server.takeMails()).toMatchObject([{ template: "factors_reset_requested", data: { resetsAt } }]);
    // Asking again moves nothing, and tells nothing.
    server.clock.advanceSeconds(day - 1);
    expect(await it.request()).toBe(resetsAt);
    expect(await it.upkeep()).toBe(0);
    expect((await server.beginPending()).status).toBe("second_factor_required");
    expect(await it.mails()).not.toContain("factors_reset");

    server.clock.advanceSeconds(1);
    expect(await it.upkeep()).toBe(1);
    expect(await it.upkeep()).toBe(0);
    expect(await server.domain.factors.list(id)).toEqual([]);
    expect(await server.domain.sessions.endReason(owner.session.id)).toBe("revoked");
    expect(await it.mails()).toEqual(["factors_reset"]);
    expect((await server.signIn()).status).toBe("signed_in");
    expect(await it.actions()).toEqual(expect.arrayContaining(["factor.request_reset", "factor.reset"]));
  });

  it("[S112] is stopped by whoever has a factor: at a sign-in, with a passkey alone, and at a step-up", async () => {
    await using it = await start();
    const { server, owner, app, id } = it;
    const { authenticator } = await server.addPasskey(owner);
    const { factors, recoveryCodes, factorSignIn } = server.domain;
    const [recoveryCode = ""] = await recoveryCodes.renew(id, testSource);
    const source = testSource;
    const ways: (() => Promise<unknown>)[] = [
      async () => server.complete((await server.beginPending()).challengeId, app.code()),
      async () => {
        const { challengeId } = await server.beginPending();
        const given = { recoveryCode: recoveryCode.replaceAll("-", "") };
        return factorSignIn.complete(challengeId, given, { browser: null, source, trustDevice: false });
      },
      () => server.withPasskey(authenticator),
      () => factorSignIn.stepUp(owner, { totp: app.code() }, source),
    ];
    for (const prove of ways) {
      await it.request();
      server.clock.advanceSeconds(60);
      await server.takeMails();
      await prove();
      expect(await it.mails()).toContain("factors_reset_cancelled");
      expect(await factors.resetAt(id)).toBeNull();
    }
    server.clock.advanceSeconds(2 * day);
    expect(await it.upkeep()).toBe(0);
    expect(await factors.list(id)).toHaveLength(2);
    expect(await it.actions()).toContain("factor.cancel_reset");
  });

  it("is not stopped by a password, a wrong code, or a trusted device", async () => {
    await using it = await start();
    const { server, app, id } = it;
    const { challengeId } = await server.beginPending();
    const { deviceToken } = await server.complete(challengeId, app.code(), { trustDevice: true });
    const resetsAt = await it.request();
    expect((await server.begin("john", { deviceToken })).status).toBe("signed_in");
    const pending = await server.beginPending();
    expect(await refusalOf(server.complete(pending.challengeId, "000000"))).toBe("FACTOR_REFUSED");
    expect(resetsAt).not.toBeNull();
    expect(await server.domain.factors.resetAt(id)).toBe(resetsAt);
  });

  it("that ends while its owner proves the factor happens once or not at all", async () => {
    await using it = await start();
    const { server, app, id } = it;
    await it.request();
    await it.mails();
    server.clock.advanceSeconds(day);
    const { challengeId } = await server.beginPending();
    const [refusal] = await Promise.all([
      refusalOf(server.complete(challengeId, app.code())),
      it.upkeep(),
      it.upkeep(),
    ]);
    const left = await server.domain.factors.list(id);
    expect([refusal, left.length]).toEqual(refusal === null ? [null, 1] : ["FACTOR_REFUSED", 0]);
    const ends = (await it.mails()).filter((template) => template.startsWith("factors_reset"));
    expect(ends).toEqual([refusal === null ? "factors_reset_cancelled" : "factors_reset"]);
  });

  it("is stopped by an operator, and does not wait where no time is set or nothing is there to lose", async () => {
    await using it = await start();
    const { server, id } = it;
    const { factors } = server.domain;
    await it.request();
    expect(await factors.cancelReset(id, testSource)).toBe(true);
    expect(await factors.cancelReset(id, testSource)).toBe(false);
    await factors.reset(id, testSource, { reason: "identity card shown" });
    const [entry] = (await server.domain.audit.list({ userId: id, limit: 9 })).filter(
      ({ action }) => action === "factor.reset",
    );
    expect(entry).toMatchObject({ detail: { reason: "identity card shown", factors: 1 } });
    expect(await it.request()).toBeNull();

    await using other = await start({ factorResetWaitSeconds: 0 });
    expect(await other.request()).toBeNull();
  });

  it("does not outlive the factors that its owner removes", async () => {
    await using it = await start();
    const { server, owner, app, id } = it;
    await it.request();
    await server.domain.factors.remove(owner, app.id, testSource);
    expect(await server.domain.factors.resetAt(id)).toBeNull();
  });
});

describe.each(engines)("a session that began before its user needed a second factor, on $engine", ({ newDatabase }) => {
  const start = (settings = {}) => startFactors(newDatabase, settings);
  const everyone = (graceSeconds: number) => ({ secondFactor: { policy: "everyone", graceSeconds } as const });

  it("[S111] ends at its next refresh, and the sign-in adds the factor", async () => {
    await using server = await start();
    const { user, session, refreshToken } = await server.signIn();
    await server.domain.factors.require(user.id, true, testSource);
    expect(await refusalOf(server.domain.signIn.withRefreshToken(refreshToken, testSource))).toBe(
      "SESSION_ENDED: factor_required",
    );
    expect(await server.domain.sessions.endReason(session.id)).toBe("factor_required");
    expect((await server.beginPending()).status).toBe("enrolment_required");
  });

  it("[S111] ends also where a server asks for one token of it", async () => {
    await using server = await start();
    const { user, refreshToken } = await server.signIn();
    await server.domain.factors.require(user.id, true, testSource);
    expect(await refusalOf(server.domain.signIn.forOneRequest(refreshToken, testSource))).toBe(
      "SESSION_ENDED: factor_required",
    );
  });

  it("has the grace period, which a refresh begins like a sign-in", async () => {
    await using server = await start(everyone(3600));
    const { user, refreshToken } = await server.signIn();
    // The session is older than the policy.
    await server.db.updateTable("users").set({ factor_due_at: null }).execute();
    const { signIn, factors } = server.domain;
    const refreshed = await signIn.withRefreshToken(refreshToken, testSource);
    expect((await factors.overview(user.id)).dueAt).toBe(server.clock.now() + 3_600_000);
    server.clock.advanceSeconds(3599);
    const again = await signIn.withRefreshToken(refreshed.refreshToken, testSource);
    server.clock.advanceSeconds(1);
    expect(await refusalOf(signIn.withRefreshToken(again.refreshToken, testSource))).toBe(
      "SESSION_ENDED: factor_required",
    );
  });

  it("goes on when the user has a factor by then, whether the session proved it or the device is trusted", async () => {
    await using server = await start(everyone(3600));
    const owner = await server.signIn();
    const before = await server.signIn();
    const app = await server.addTotp(owner);
    const { challengeId } = await server.beginPending();
    const { deviceToken } = await server.complete(challengeId, app.code(), { trustDevice: true });
    const trusted = await server.begin("john", { deviceToken });
    if (trusted.status !== "signed_in") throw new Error("The device is not trusted");
    server.clock.advanceSeconds(3600);
    for (const { refreshToken } of [owner, before, trusted])
      expect(await refusalOf(server.domain.signIn.withRefreshToken(refreshToken, testSource))).toBeNull();
  });
});
