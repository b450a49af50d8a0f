import { acrValues } from "@lockstep/kit";
import { describe, expect, it, vi } from "vitest";
import { codeOf } from "../../../test/authenticator-app.ts";
import { engines } from "../../../test/engines.ts";
import { createAuthenticator } from "../../../test/software-authenticator.ts";
import { john, testSource, typed } from "../../testing.ts";
import { goodPassword, refusalOf } from "../accounts/testing.ts";
import { SecondStepNeeded } from "../sessions/sign-in.ts";
import { isAssured } from "./assurance.ts";
import { pendingOnly, startFactors } from "./testing.ts";

describe.each(engines)("a second factor on $engine", ({ newDatabase }) => {
  const start = (settings = {}) => startFactors(newDatabase, settings);
  type Server = Awaited<ReturnType<typeof start>>;

  const withTotp = async (settings = {}) => {
    const server = await start(settings);
    const owner = await server.signIn();
    return { server, owner, app: await server.addTotp(owner), [Symbol.asyncDispose]: server[Symbol.asyncDispose] };
  };

  it("[S111] is asked for after the password, and completes the sign-in with both", async () => {
    await using it = await withTotp();
    const { server, app } = it;
    const before = await server.sessionCount();
    const pending = await server.beginPending();
    expect(pending).toEqual({
      status: "second_factor_required",
      challengeId: expect.any(String),
      expiresIn: 600,
      methods: ["totp"],
    });
    expect(await server.sessionCount()).toBe(before);
    const signedIn = await server.complete(pending.challengeId, app.code());
    expect(server.claims(signedIn.accessToken)).toMatchObject({
      acr: "2fa",
      amr: ["pwd", "otp", "mfa"],
      auth_time: Math.floor(server.clock.now() / 1000),
    });
    expect(await server.sessionCount()).toBe(before + 1);
  });

  it("completes one sign-in, within ten minutes", async () => {
    await using it = await withTotp();
    const { server, app } = it;
    const { challengeId } = await server.beginPending();
    await server.complete(challengeId, app.code());
    server.clock.advanceSeconds(30);
    expect(await refusalOf(server.complete(challengeId, app.code()))).toBe("CHALLENGE_EXPIRED");
    const late = await server.beginPending();
    server.clock.advanceSeconds(601);
    expect(await refusalOf(server.complete(late.challengeId, app.code()))).toBe("CHALLENGE_EXPIRED");
    expect(await refusalOf(server.complete("made up", app.code()))).toBe("CHALLENGE_EXPIRED");
  });

  it("of a browser is completed in that browser only", async () => {
    await using it = await withTotp();
    const { server, app } = it;
    const { challengeId } = await server.beginPending(john.username, { browser: "mine" });
    const attempt = (browser: string | null) => refusalOf(server.complete(challengeId, app.code(), { browser }));
    expect(await attempt("another")).toBe("CHALLENGE_EXPIRED");
    expect(await attempt(null)).toBe("CHALLENGE_EXPIRED");
    expect(await attempt("mine")).toBeNull();
  });

  it("is checked against the account as it is then: disabled, with another password, or without the factor", async () => {
    await using it = await withTotp();
    const { server, app, owner } = it;
    const { accounts, factors, users, passwords } = server.domain;
    const { id } = owner.user;
    const whileItWaits = async (change: () => Promise<unknown>) => {
      const { challengeId } = await server.beginPending();
      await change();
      server.clock.advanceSeconds(60);
      return refusalOf(server.complete(challengeId, app.code()));
    };
    expect(await whileItWaits(() => accounts.disable(id, testSource))).toBe("CHALLENGE_EXPIRED");
    await accounts.enable(id, testSource);
    const hash = await passwords.hash(john.password);
    expect(await whileItWaits(() => users.replacePasswordHash(id, hash))).toBe("CHALLENGE_EXPIRED");
    expect(await whileItWaits(() => factors.reset(id, testSource))).toBe("FACTOR_REFUSED");
    // Nothing is left to ask for.
    expect((await server.signIn()).status).toBe("signed_in");
  });

  it("[S12] is what the password form of `/token` has no place for", async () => {
    await using it = await withTotp();
    await expect(it.server.signIn()).rejects.toBeInstanceOf(SecondStepNeeded);
  });

  it("[S71] [S107] is neither skipped nor removed by a reset of the password", async () => {
    await using it = await withTotp();
    const { server, app, owner } = it;
    await server.takeMails();
    await server.reset(await server.askToRecover(john.username));
    expect(await server.domain.factors.list(owner.user.id)).toHaveLength(1);
    const pending = pendingOnly(await server.domain.signIn.begin(typed(john.username, goodPassword)));
    await server.complete(pending.challengeId, app.code());
  });

  it("[S74] [S75] is replaced by a recovery code, once, and stored like a password", async () => {
    await using it = await withTotp();
    const { server, owner } = it;
    const { recoveryCodes, factorSignIn, factors } = server.domain;
    const codes = await recoveryCodes.renew(owner.user.id, testSource);
    expect(codes).toHaveLength(10);
    for (const code of codes) expect(code).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{4}(-[BCDFGHJKLMNPQRSTVWXZ]{4}){2}$/);
    const rows = await server.db.selectFrom("recovery_codes").select("code_hash").execute();
    for (const { code_hash } of rows) expect(code_hash).toMatch(/^hmac-sha384:/);
    const complete = async (code: string) => {
      const pending = await server.beginPending();
      expect(pending).toMatchObject({ methods: ["totp", "recovery_code"] });
      const given = { recoveryCode: code.replaceAll("-", "") };
      return factorSignIn.complete(pending.challengeId, given, {
        browser: null,
        source: testSource,
        trustDevice: false,
      });
    };
    await server.takeMails();
    const [first = "", second = ""] = codes;
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => refusalOf(complete(first))));
    expect(outcomes.filter((refusal) => refusal === null)).toHaveLength(1);
    expect(await server.takeMails()).toMatchObject([{ template: "recovery_code_used", data: { left: 9 } }]);
    expect((await factors.overview(owner.user.id)).recoveryCodesLeft).toBe(9);
    server.clock.advanceSeconds(3600);
    const renewed = await recoveryCodes.renew(owner.user.id, testSource);
    expect(await refusalOf(complete(second))).toBe("FACTOR_REFUSED");
    server.clock.advanceSeconds(3600);
    expect(await refusalOf(complete(renewed[0] ?? ""))).toBeNull();
    expect((await server.takeMails()).map(({ template }) => template).sort()).toEqual([
      "recovery_code_used",
      "recovery_codes_renewed",
    ]);
  });

  const firsts = ["password", "code"] as const;
  const factorStates = {
    none: "1fa",
    totp: "2fa",
    recovery_code: "2fa",
    passkey: "phr",
    trusted_device: "1fa",
  } as const;
  const ways = firsts.flatMap((first) =>
    Object.entries(factorStates).map(([second, acr]) => [first, second as keyof typeof factorStates, acr] as const),
  );

  it.each(ways)("[S111] a sign-in with a %s and %s yields the acr %s that it proved", async (first, second, acr) => {
    await using server = await start({ signInCode: true });
    const { domain, asker } = server;
    const { factorSignIn, recoveryCodes, passkeys, codeSignIn, signIn } = domain;
    const owner = await server.signIn();
    const app = second === "none" ? null : await server.addTotp(owner);
    const { authenticator } = second === "passkey" ? await server.addPasskey(owner) : { authenticator: null };
    const [recoveryCode = ""] = second === "recovery_code" ? await recoveryCodes.renew(owner.user.id, testSource) : [];
    const begin = async (deviceToken: string | null = null) => {
      if (first === "password") return signIn.begin({ ...typed(john.username, john.password), deviceToken, ...asker });
      await server.takeMails();
      const { proofId, code } = await server.askToSignIn(john.username);
      return codeSignIn.complete({ proofId, code, deviceToken, replaces: null, ...asker });
    };
    const complete = async (trustDevice = false) => {
      const { challengeId } = pendingOnly(await begin());
      const given = {
        ...(authenticator && { passkey: authenticator.get(await passkeys.options()) }),
        ...(recoveryCode && { recoveryCode: recoveryCode.replaceAll("-", "") }),
        ...(!authenticator && !recoveryCode && { totp: app?.code() }),
      };
      return factorSignIn.complete(challengeId, given, { ...asker, trustDevice });
    };
    let outcome = second === "none" ? await begin() : await complete(second === "trusted_device");
    if (second === "trusted_device" && outcome.status === "signed_in") outcome = await begin(outcome.deviceToken);
    if (outcome.status !== "signed_in") throw new Error("The sign-in is not complete");
    expect(server.claims(outcome.accessToken)["acr"]).toBe(acr);
    const live = await domain.sessions.findLive(outcome.session.id);
    for (const [index, level] of acrValues.entries()) {
      const assurance = { factors: level === "1fa" ? 1 : 2, phishingResistant: level === "phr" } as const;
      expect(live && isAssured(live.session, assurance, server.clock.now())).toBe(index <= acrValues.indexOf(acr));
    }
  });

  it("[S76] is asked for after a code that was mailed, which is one factor like the password", async () => {
    await using it = await withTotp({ signInCode: true });
    const { server, app } = it;
    await server.takeMails();
    const mailed = async () => {
      const { proofId, code } = await server.askToSignIn(john.username);
      return server.domain.codeSignIn.complete({ proofId, code, deviceToken: null, replaces: null, ...server.asker });
    };
    const { challengeId } = pendingOnly(await mailed());
    const browser = server.asker.browser;
    expect(await refusalOf(server.complete(challengeId, app.code()))).toBe("CHALLENGE_EXPIRED");
    const signedIn = await server.complete(challengeId, app.code(), { browser });
    expect(server.claims(signedIn.accessToken)).toMatchObject({ acr: "2fa", amr: ["otp", "mfa"] });
    // After the password it is nothing: there is no way to send it.
    expect(await server.beginPending()).toMatchObject({ methods: ["totp"] });
  });

  it("of another account does not help", async () => {
    await using it = await withTotp();
    const { server } = it;
    await server.createUser("jane", { email: null });
    const jane = await server.domain.signIn.withPassword(typed("jane", goodPassword));
    const { authenticator } = await server.addPasskey(jane);
    const { challengeId } = await server.beginPending();
    const passkey = authenticator.get(await server.domain.passkeys.options());
    const completed = server.domain.factorSignIn.complete(
      challengeId,
      { passkey },
      { browser: null, source: testSource, trustDevice: false },
    );
    expect(await refusalOf(completed)).toBe("FACTOR_REFUSED");
  });

  describe("on a trusted device", () => {
    const trusted = async (server: Server, code: () => string) => {
      const { challengeId } = await server.beginPending();
      return server.complete(challengeId, code(), { trustDevice: true });
    };

    it("[S111] is not asked for, and not proved", async () => {
      await using it = await withTotp();
      const { server, app, owner } = it;
      const { deviceToken } = await trusted(server, app.code);
      server.clock.advanceSeconds(1);
      const outcome = await server.begin(john.username, { deviceToken });
      if (outcome.status !== "signed_in") throw new Error("The device is not trusted");
      expect(server.claims(outcome.accessToken)).toMatchObject({ acr: "1fa", amr: ["pwd"] });
      expect(isAssured(outcome.session, { factors: 2 }, server.clock.now())).toBe(false);
      // Each sign-in gives another token, for the same device.
      expect(outcome.deviceToken).not.toBe(deviceToken);
      expect((await server.begin(john.username, { deviceToken: outcome.deviceToken })).status).toBe("signed_in");
      expect(await server.domain.trustedDevices.list(owner.user.id)).toMatchObject([{ userAgent: "a test" }]);
    });

    it("is asked for again when the user forgets the device, changes the password, or a month is over", async () => {
      await using it = await withTotp();
      const { server, app, owner } = it;
      const { id } = owner.user;
      const { factors, trustedDevices, users, passwords } = server.domain;
      const { deviceToken } = await trusted(server, app.code);
      const [device] = await trustedDevices.list(id);
      expect(await refusalOf(factors.forgetDevice("somebody else", device?.id ?? "", testSource))).toBe(
        "TRUSTED_DEVICE_NOT_FOUND",
      );
      await factors.forgetDevice(id, device?.id ?? "", testSource);
      await server.beginPending(john.username, { deviceToken });

      server.clock.advanceSeconds(60);
      const second = await trusted(server, app.code);
      await users.replacePasswordHash(id, await passwords.hash(john.password));
      await server.beginPending(john.username, { deviceToken: second.deviceToken });

      server.clock.advanceSeconds(60);
      const third = await trusted(server, app.code);
      server.clock.advanceSeconds(30 * 24 * 3600 + 1);
      await server.beginPending(john.username, { deviceToken: third.deviceToken });
      while ((await trustedDevices.deleteExpired(1)) > 0);
      expect(await server.db.selectFrom("trusted_devices").selectAll().execute()).toEqual([]);
    });

    it("is asked for on the account's other devices, which it knows as well", async () => {
      await using it = await withTotp();
      const { server, app } = it;
      await trusted(server, app.code);
      server.clock.advanceSeconds(60);
      const { deviceToken } = await server.complete((await server.beginPending()).challengeId, app.code());
      await server.beginPending(john.username, { deviceToken });
    });

    it("is always asked for when no device is trusted", async () => {
      await using it = await withTotp({ trustedDeviceSeconds: 0 });
      const { deviceToken } = await trusted(it.server, it.app.code);
      await it.server.beginPending(john.username, { deviceToken });
    });

    it("is asked for of another account that uses the device", async () => {
      await using it = await withTotp();
      const { server, app } = it;
      const { deviceToken } = await trusted(server, app.code);
      await server.createUser("jane", { email: null });
      const jane = await server.domain.signIn.withPassword(typed("jane", goodPassword));
      await server.addTotp(jane);
      const outcome = await server.domain.signIn.begin({ ...typed("jane", goodPassword), deviceToken });
      expect(outcome.status).toBe("second_factor_required");
    });
  });

  describe("that is removed", () => {
    it("[S112] tells its owner, is audited, ends the other sessions that it was proved in, and counts no more in this one", async () => {
      await using it = await withTotp();
      const { server, app, owner } = it;
      const { factors, sessions, audit } = server.domain;
      const other = await server.complete((await server.beginPending()).challengeId, app.code());
      server.clock.advanceSeconds(60);
      const mine = await server.complete((await server.beginPending()).challengeId, app.code());
      await server.takeMails();
      await factors.rename(owner.user.id, app.id, "Old phone", testSource);
      await factors.remove(mine, app.id, testSource);
      const mails = (await server.takeMails()).map(({ template, data }) => [template, data]);
      expect(mails.sort()).toMatchObject([
        ["factor_removed", { kind: "totp", name: "Old phone" }],
        ["factor_renamed", { kind: "totp", name: "Old phone" }],
      ]);
      const actions = (await audit.list({ userId: owner.user.id, limit: 20 })).map(({ action }) => action);
      expect(actions).toEqual(expect.arrayContaining(["factor.add", "factor.rename", "factor.remove"]));
      expect(await sessions.endReason(other.session.id)).toBe("revoked");
      const live = await sessions.findLive(mine.session.id);
      expect(live && isAssured(live.session, { factors: 2 }, server.clock.now())).toBe(false);
      expect(live?.session.authenticatedAt).toBe(mine.session.authenticatedAt);
      // The session in which it was added had proved it too.
      expect(await sessions.endReason(owner.session.id)).toBe("revoked");
      expect(await refusalOf(factors.remove(mine, app.id, testSource))).toBe("FACTOR_NOT_FOUND");
    });

    it("takes the recovery codes and the trusted devices with it, if it was the last", async () => {
      await using it = await withTotp();
      const { server, app, owner } = it;
      const { factors, recoveryCodes } = server.domain;
      await recoveryCodes.renew(owner.user.id, testSource);
      await server.complete((await server.beginPending()).challengeId, app.code(), { trustDevice: true });
      expect(await factors.overview(owner.user.id)).toMatchObject({ recoveryCodesLeft: 10, trustedDevices: [{}] });
      await factors.remove(owner, app.id, testSource);
      expect(await factors.overview(owner.user.id)).toMatchObject({
        factors: [],
        recoveryCodesLeft: 0,
        trustedDevices: [],
      });
    });

    it("is somebody's own: another account's is not found", async () => {
      await using it = await withTotp();
      const { server, app } = it;
      await server.createUser("jane", { email: null });
      const jane = await server.domain.signIn.withPassword(typed("jane", goodPassword));
      const { factors } = server.domain;
      expect(await refusalOf(factors.remove(jane, app.id, testSource))).toBe("FACTOR_NOT_FOUND");
      expect(await refusalOf(factors.rename(jane.user.id, app.id, "Mine", testSource))).toBe("FACTOR_NOT_FOUND");
    });
  });

  it("can be added a limited number of times", async () => {
    await using server = await start();
    const owner = await server.signIn();
    for (let n = 0; n < 3; n++) await server.addTotp(owner);
    await expect(server.addTotp(owner)).rejects.toMatchObject({ code: "TOO_MANY_FACTORS", details: { max: 3 } });
  });

  it("can be begun while the first one is added in the same session", async () => {
    await using server = await start();
    const owner = await server.signIn();
    const { factorSignIn, sessions } = server.domain;
    const read = sessions.liveWithin;
    const reading = vi.spyOn(sessions, "liveWithin").mockImplementationOnce(async (...session) => {
      const before = await read(...session);
      await server.addTotp(owner);
      return before;
    });
    expect(await refusalOf(factorSignIn.beginFactor(owner, "passkey"))).toBeNull();
    expect(reading.mock.calls.length).toBeGreaterThan(1);
  });

  it("can be added a limited number of times also at the same moment", async () => {
    await using server = await start();
    const owner = await server.signIn();
    const { factorSignIn, factors } = server.domain;
    const additions = Array.from({ length: 50 }, async () => {
      const begun = await factorSignIn.beginFactor(owner, "totp");
      if (begun.kind !== "totp") throw new Error("Another kind of factor was begun");
      const finished = {
        enrolmentId: begun.enrolmentId,
        name: "Phone",
        totp: codeOf(begun.secret, server.clock.now()),
      };
      return factorSignIn.completeFactor(owner, finished, testSource);
    });
    const refusals = await Promise.all(additions.map(refusalOf));
    expect(refusals.filter((refusal) => refusal === null)).toHaveLength(3);
    expect(new Set(refusals)).toEqual(new Set([null, "TOO_MANY_FACTORS"]));
    expect(await factors.list(owner.user.id)).toHaveLength(3);
  });

  it("[S112] is added beside another by whoever proved one, also when both are begun before", async () => {
    await using server = await start();
    const [owner, thief] = [await server.signIn(), await server.signIn()];
    const { factorSignIn, factors } = server.domain;
    const begin = async (by: typeof owner) => {
      const begun = await factorSignIn.beginFactor(by, "totp");
      if (begun.kind !== "totp") throw new Error("Another kind of factor was begun");
      const totp = codeOf(begun.secret, server.clock.now());
      const finished = { enrolmentId: begun.enrolmentId, name: "Phone", totp };
      return () => factorSignIn.completeFactor(by, finished, testSource);
    };
    const additions = [await begin(owner), await begin(thief)];
    const refusals = await Promise.all(additions.map((add) => refusalOf(add())));
    expect(refusals.sort()).toEqual(["REAUTHENTICATION_REQUIRED", null]);
    expect(await factors.list(owner.user.id)).toHaveLength(1);
  });

  it("[S112] is not added in a session that ends meanwhile, and neither begun in it", async () => {
    await using server = await start();
    const owner = await server.signIn();
    const { factorSignIn, factors, sessions } = server.domain;
    const begun = await factorSignIn.beginFactor(owner, "totp");
    if (begun.kind !== "totp") throw new Error("Another kind of factor was begun");
    await sessions.end(owner.user.id, owner.session.id, "revoked", testSource);
    const totp = codeOf(begun.secret, server.clock.now());
    const finished = { enrolmentId: begun.enrolmentId, name: "Phone", totp };
    expect(await refusalOf(factorSignIn.completeFactor(owner, finished, testSource))).toBe("INVALID_TOKEN");
    expect(await refusalOf(factorSignIn.beginFactor(owner, "totp"))).toBe("INVALID_TOKEN");
    expect(await factors.list(owner.user.id)).toEqual([]);
  });

  it("is added once by 50 completions of one enrolment", async () => {
    await using server = await start();
    const owner = await server.signIn();
    const { factorSignIn, factors } = server.domain;
    const begun = await factorSignIn.beginFactor(owner, "passkey");
    if (begun.kind !== "passkey") throw new Error("Another kind of factor was begun");
    const authenticator = createAuthenticator({ origin: server.config.publicUrl });
    const additions = Array.from({ length: 50 }, () => {
      const finished = { enrolmentId: begun.enrolmentId, name: "Key", passkey: authenticator.create(begun) };
      return refusalOf(factorSignIn.completeFactor(owner, finished, testSource));
    });
    const refusals = await Promise.all(additions);
    expect(refusals.filter((refusal) => refusal === null)).toHaveLength(1);
    expect(new Set(refusals)).toEqual(new Set([null, "CHALLENGE_EXPIRED"]));
    expect(await factors.list(owner.user.id)).toHaveLength(1);
  });

  it.each(["disabled", "removed"] as const)(
    "[S111] leaves no session behind when it is used while the account is disabled, or itself removed: %s",
    async (change) => {
      await using it = await withTotp();
      const { server, owner, app } = it;
      const { accounts, factors, recoveryCodes, factorSignIn, sessions } = server.domain;
      const codes = await recoveryCodes.renew(owner.user.id, testSource);
      const challenges = [];
      for (let n = 0; n <= codes.length; n++) challenges.push((await server.beginPending()).challengeId);
      const uses = challenges.map((challengeId, n) => {
        const recoveryCode = codes[n]?.replaceAll("-", "");
        const given = recoveryCode === undefined ? { totp: app.code() } : { recoveryCode };
        const asked = { browser: null, source: testSource, trustDevice: false };
        return refusalOf(factorSignIn.complete(challengeId, given, asked));
      });
      uses.splice(
        5,
        0,
        refusalOf(
          change === "disabled"
            ? accounts.disable(owner.user.id, testSource)
            : factors.remove(owner, app.id, testSource),
        ),
      );
      await Promise.all(uses);
      const rows = await server.db.selectFrom("sessions").select(["id", "factors"]).execute();
      for (const { id, factors: proved } of rows)
        if (change === "disabled" || proved?.includes(app.id)) expect(await sessions.findLive(id)).toBeNull();
      if (change === "removed") {
        expect(await factors.list(owner.user.id)).toEqual([]);
        expect(await recoveryCodes.count(owner.user.id)).toBe(0);
      }
    },
  );

  it("is proved by one of 50 sign-ins with one recovery code, and by none after the codes are renewed", async () => {
    await using it = await withTotp();
    const { server, owner } = it;
    const { recoveryCodes, factorSignIn } = server.domain;
    const [code = "", next = ""] = (await recoveryCodes.renew(owner.user.id, testSource)).map((each) =>
      each.replaceAll("-", ""),
    );
    const challenges = [];
    for (let n = 0; n < 50; n++) challenges.push((await server.beginPending()).challengeId);
    const use = (challengeId: string, recoveryCode: string) =>
      factorSignIn.complete(challengeId, { recoveryCode }, { browser: null, source: testSource, trustDevice: false });
    const refusals = await Promise.all(challenges.map((challengeId) => refusalOf(use(challengeId, code))));
    expect(refusals.filter((refusal) => refusal === null)).toHaveLength(1);
    expect(await server.sessionCount()).toBe(2);

    server.clock.advanceSeconds(3600);
    const { challengeId } = await server.beginPending();
    const [renewal, used] = await Promise.all([
      recoveryCodes.renew(owner.user.id, testSource),
      refusalOf(use(challengeId, next)),
    ]);
    expect([null, "FACTOR_REFUSED"]).toContain(used);
    expect(await server.db.selectFrom("recovery_codes").select("selector").execute()).toHaveLength(renewal.length);
  });

  it("[S87] [S94] is listed with what was added lately, and removed with the change of the address that it came after", async () => {
    await using it = await withTotp();
    const { server, owner, app } = it;
    const { emailChanges, factors, passwordChange } = server.domain;
    const { user } = owner;
    await server.takeMails();
    const { proofId } = await emailChanges.request({ user, email: "mallory@example.com", ...server.asker });
    const { data } = await server.takeMail("email_change");
    await emailChanges.complete(owner, { proofId, code: data.code, ...server.asker });
    const undo = (await server.takeMails()).flatMap((mail) =>
      mail.template === "email_changed" && mail.data.undoSecret !== null ? [mail.data.undoSecret] : [],
    );
    server.clock.advanceSeconds(1);
    const passkey = await server.addPasskey(owner);
    expect((await passwordChange.recentAccess(user.id)).factors.map(({ id }) => id)).toEqual([app.id, passkey.id]);
    await emailChanges.undo(undo[0] ?? "", testSource);
    expect((await factors.list(user.id)).map(({ id }) => id)).toEqual([app.id]);
  });

  it("that was begun and not finished leaves nothing, and is finished in the session that began it", async () => {
    await using server = await start();
    const { factorSignIn, factors } = server.domain;
    const owner = await server.signIn();
    const begun = await factorSignIn.beginFactor(owner, "totp");
    if (begun.kind !== "totp") throw new Error("Another kind of factor was begun");
    expect(await factors.list(owner.user.id)).toEqual([]);
    expect((await server.signIn()).status).toBe("signed_in");
    const finished = { enrolmentId: begun.enrolmentId, name: "Phone", totp: codeOf(begun.secret, server.clock.now()) };
    const other = await server.signIn();
    expect(await refusalOf(factorSignIn.completeFactor(other, finished, testSource))).toBe("CHALLENGE_EXPIRED");
    server.clock.advanceSeconds(601);
    const late = { ...finished, totp: codeOf(begun.secret, server.clock.now()) };
    expect(await refusalOf(factorSignIn.completeFactor(owner, late, testSource))).toBe("CHALLENGE_EXPIRED");
  });

  describe("and a step-up", () => {
    it("[S77] starts a session in place of the old one, in which earlier proofs keep their times", async () => {
      await using it = await withTotp();
      const { server, app, owner } = it;
      const { factorSignIn, sessions } = server.domain;
      const signedInAt = server.clock.now() - 60_000;
      server.clock.advanceSeconds(3600);
      const stepped = await factorSignIn.stepUp(owner, { totp: app.code() }, testSource);
      expect(stepped.session.id).not.toBe(owner.session.id);
      expect(await sessions.endReason(owner.session.id)).toBe("signed_out");
      expect(stepped.session.authenticatedAt).toBe(signedInAt);
      const at = (assurance: object) => isAssured(stepped.session, assurance, server.clock.now());
      expect([at({ factors: 2 }), at({ factors: 2, maxAgeSeconds: 300 }), at({ maxAgeSeconds: 300 })]).toEqual([
        true,
        false,
        false,
      ]);
      server.clock.advanceSeconds(30);
      const both = await factorSignIn.stepUp(stepped, { password: john.password, totp: app.code() }, testSource);
      expect(isAssured(both.session, { factors: 2, maxAgeSeconds: 300 }, server.clock.now())).toBe(true);
      // A refresh proves nothing again.
      server.clock.advanceSeconds(301);
      const { session } = await server.domain.sessions.refresh(both.refreshToken, testSource);
      expect(isAssured(session, { factors: 2, maxAgeSeconds: 300 }, server.clock.now())).toBe(false);
      expect(isAssured(session, { factors: 2 }, server.clock.now())).toBe(true);
    });

    it("does not make the session last longer", async () => {
      await using it = await withTotp();
      const { server, app, owner } = it;
      const expiryOf = async (id: string) =>
        (await server.db.selectFrom("sessions").select("expires_at").where("id", "=", id).executeTakeFirstOrThrow())
          .expires_at;
      const before = await expiryOf(owner.session.id);
      server.clock.advanceSeconds(3600);
      const { session } = await server.domain.factorSignIn.stepUp(owner, { totp: app.code() }, testSource);
      expect(await expiryOf(session.id)).toBe(before);
    });

    it("[S67] lets nobody try codes without end by sending the right password with them", async () => {
      await using it = await withTotp();
      const { server, owner } = it;
      const given = { password: john.password, totp: "000000" };
      const outcomes = [];
      for (let n = 0; n < 8; n++)
        outcomes.push(await refusalOf(server.domain.factorSignIn.stepUp(owner, given, testSource)));
      expect(outcomes.slice(0, 5)).toEqual(Array(5).fill("FACTOR_REFUSED"));
      expect(outcomes.slice(5)).toEqual(Array(3).fill("TOO_MANY_ATTEMPTS"));
    });

    it("does nothing for a session that has ended", async () => {
      await using it = await withTotp();
      const { server, app, owner } = it;
      await server.domain.sessions.end(owner.user.id, owner.session.id, "revoked", testSource);
      expect(await refusalOf(server.domain.factorSignIn.stepUp(owner, { totp: app.code() }, testSource))).toBe(
        "INVALID_TOKEN",
      );
    });
  });

  describe("that the policy requires", () => {
    const everyone = (graceSeconds = 0) => ({ secondFactor: { policy: "everyone", graceSeconds } as const });

    const enrol = async (server: Server, challengeId: string) => {
      const { factorSignIn } = server.domain;
      const begun = await factorSignIn.beginEnrolment(challengeId, "totp", null);
      if (begun.kind !== "totp") throw new Error("Another kind of factor was begun");
      const totp = codeOf(begun.secret, server.clock.now());
      const finished = { enrolmentId: begun.enrolmentId, name: "Phone", totp };
      return {
        begun,
        finish: () => factorSignIn.completeEnrolment(challengeId, finished, { browser: null, source: testSource }),
      };
    };

    it("is added at the sign-in, before there is a session", async () => {
      await using server = await start(everyone());
      const pending = await server.beginPending();
      expect(pending).toMatchObject({ status: "enrolment_required", kinds: ["totp", "passkey"] });
      expect(await server.sessionCount()).toBe(0);
      const { finish } = await enrol(server, pending.challengeId);
      const signedIn = await finish();
      expect(server.claims(signedIn.accessToken)).toMatchObject({ acr: "2fa" });
      expect(await refusalOf(finish())).toBe("CHALLENGE_EXPIRED");
      expect((await server.takeMails()).map(({ template }) => template)).toContain("factor_added");
      expect((await server.beginPending()).status).toBe("second_factor_required");
    });

    it("is added by one of two sign-ins that begin at once; the other has to prove it", async () => {
      await using server = await start(everyone());
      const [one, other] = [await server.beginPending(), await server.beginPending()];
      const enrolments = [await enrol(server, one.challengeId), await enrol(server, other.challengeId)];
      const outcomes = await Promise.all(enrolments.map(({ finish }) => refusalOf(finish())));
      expect(outcomes.sort()).toEqual(["CHALLENGE_EXPIRED", null]);
    });

    it("is neither begun nor added once the account is disabled", async () => {
      await using server = await start(everyone());
      const { challengeId } = await server.beginPending();
      const { finish } = await enrol(server, challengeId);
      const john = await server.domain.users.findByLogin("john");
      await server.domain.accounts.disable(john?.user.id ?? "", testSource);
      expect(await refusalOf(enrol(server, challengeId))).toBe("CHALLENGE_EXPIRED");
      expect(await refusalOf(finish())).toBe("CHALLENGE_EXPIRED");
      expect(await server.db.selectFrom("factors").selectAll().execute()).toEqual([]);
    });

    it("is not begun once the account has one, however many", async () => {
      await using server = await start(everyone(60));
      const owner = await server.signIn();
      server.clock.advanceSeconds(61);
      const { challengeId } = await server.beginPending();
      const begin = (kind: "totp" | "passkey") => server.domain.factorSignIn.beginEnrolment(challengeId, kind, null);
      for (const name of ["One", "Two", "Three"]) {
        await server.addTotp(owner, name);
        expect(await refusalOf(begin("totp"))).toBe("CHALLENGE_EXPIRED");
        expect(await refusalOf(begin("passkey"))).toBe("CHALLENGE_EXPIRED");
      }
    });

    it("can wait for the grace period, from the first sign-in on", async () => {
      await using server = await start(everyone(3600));
      const { user } = await server.signIn();
      expect(await server.domain.factors.overview(user.id)).toMatchObject({
        required: true,
        dueAt: server.clock.now() + 3_600_000,
      });
      server.clock.advanceSeconds(3599);
      expect((await server.signIn()).status).toBe("signed_in");
      server.clock.advanceSeconds(1);
      expect((await server.beginPending()).status).toBe("enrolment_required");
    });

    it("is required of administrators only, if the policy says so", async () => {
      await using server = await start({ secondFactor: { policy: "administrators", graceSeconds: 0 } });
      await server.signIn();
      await server.db.updateTable("users").set({ role: "admin" }).where("username", "=", "john").execute();
      expect((await server.beginPending()).status).toBe("enrolment_required");
    });

    it("is required of a user of whom an operator requires it, whatever the policy", async () => {
      await using server = await start();
      const { user } = await server.signIn();
      await server.domain.users.requireFactor(user.id, true);
      expect((await server.beginPending()).status).toBe("enrolment_required");
    });

    it("[S114] cannot be removed while it is the only one", async () => {
      await using server = await start(everyone(3600));
      const owner = await server.signIn();
      const app = await server.addTotp(owner);
      const { factors } = server.domain;
      expect(await refusalOf(factors.remove(owner, app.id, testSource))).toBe("LAST_FACTOR");
      const { id } = await server.addPasskey(owner);
      await factors.remove(owner, app.id, testSource);
      expect(await refusalOf(factors.remove(owner, id, testSource))).toBe("LAST_FACTOR");
    });

    it("[S114] one stays, whatever is removed at the same moment", async () => {
      await using server = await start(everyone(3600));
      const owner = await server.signIn();
      const app = await server.addTotp(owner);
      const { id } = await server.addPasskey(owner);
      const { factors } = server.domain;
      const removals = Array.from({ length: 50 }, (_, n) => factors.remove(owner, n % 2 ? app.id : id, testSource));
      const refusals = await Promise.all(removals.map(refusalOf));
      expect(refusals.filter((refusal) => refusal === null)).toHaveLength(1);
      expect(new Set(refusals)).toEqual(new Set([null, "LAST_FACTOR", "FACTOR_NOT_FOUND"]));
      expect(await factors.list(owner.user.id)).toHaveLength(1);
    });

    it("is asked for at sign-up", async () => {
      await using server = await start(everyone());
      const proof = await server.askToSignUp("jane@example.com");
      const outcome = await server.domain.registrations.complete({
        ...proof,
        username: "jane",
        fullName: "Jane",
        password: goodPassword,
        replaces: null,
        ...server.asker,
      });
      expect(outcome.status).toBe("enrolment_required");
    });
  });
});
