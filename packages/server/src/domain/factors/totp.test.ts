import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { codeOf, codeOfKey } from "../../../test/authenticator-app.ts";
import { engines } from "../../../test/engines.ts";
import { createDomain } from "../../compose-domain.ts";
import { fixtureApp } from "../../fixture-app.ts";
import { testSource, testWorld } from "../../testing.ts";
import { refusalOf } from "../accounts/testing.ts";
import { startFactors } from "./testing.ts";

const oathtool = "/usr/bin/oathtool";

describe("the codes of authenticator apps", () => {
  /** RFC 6238 Appendix B, SHA-1, with the last six of its eight digits. */
  const key = Buffer.from("12345678901234567890");
  const secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

  it.each([
    [59, "94287082"],
    [1111111109, "07081804"],
    [1111111111, "14050471"],
    [1234567890, "89005924"],
    [2000000000, "69279037"],
    [20000000000, "65353130"],
  ])("are those of RFC 6238 at %i seconds", async (seconds, code) => {
    expect(codeOfKey(key, seconds * 1000, 8)).toBe(code);
    await using server = await startFactors(engines[0].newDatabase);
    const { totp } = await createDomain(server.db, {
      app: fixtureApp,
      config: server.config,
      world: testWorld(() => seconds * 1000),
    });
    expect(totp.stepOf(secret, code.slice(2))).toBe(Math.floor(seconds / 30));
  });

  it.skipIf(!existsSync(oathtool))("are those of oathtool", () => {
    for (const at of [1_795_441_415_893, 1_795_441_445_893, 0]) {
      const shown = execFileSync(oathtool, ["--totp", "-b", secret, "-N", `@${Math.floor(at / 1000)}`], {
        encoding: "utf8",
      });
      expect(codeOf(secret, at)).toBe(shown.trim());
    }
  });
});

describe.each(engines)("an authenticator app on $engine", ({ newDatabase }) => {
  const start = () => startFactors(newDatabase);

  it("[S109] is added by a right code, which is used then", async () => {
    await using server = await start();
    const { factorSignIn, factors, audit } = server.domain;
    const owner = await server.signIn();
    const begun = await factorSignIn.beginFactor(owner, "totp");
    if (begun.kind !== "totp") throw new Error("Another kind of factor was begun");
    expect(begun.uri).toBe(
      `otpauth://totp/Lockstep:john?issuer=Lockstep&secret=${begun.secret}&algorithm=SHA1&digits=6&period=30`,
    );
    expect(begun.secret).toHaveLength(32);
    // Content-Security-Policy refuses inline styles.
    expect(begun.qrCode).toMatch(/^<svg [^>]*>.*<\/svg>$/s);
    expect(begun.qrCode).not.toContain("style");
    const finish = (totp: string) =>
      factorSignIn.completeFactor(owner, { enrolmentId: begun.enrolmentId, name: "Phone", totp }, testSource);
    const code = codeOf(begun.secret, server.clock.now());
    const wrong = code === "000000" ? "111111" : "000000";
    expect(await refusalOf(finish(wrong))).toBe("FACTOR_REFUSED");
    expect(await factors.list(owner.user.id)).toEqual([]);
    await finish(code);
    expect(await factors.list(owner.user.id)).toMatchObject([{ kind: "totp", name: "Phone" }]);
    // Once: the same enrolment adds no second app.
    expect(await refusalOf(finish(codeOf(begun.secret, server.clock.now() + 30_000)))).toBe("CHALLENGE_EXPIRED");
    const { challengeId } = await server.beginPending();
    expect(await refusalOf(server.complete(challengeId, code))).toBe("FACTOR_REFUSED");
    expect((await audit.list({ userId: owner.user.id, limit: 9 })).map(({ action }) => action)).toContain("factor.add");
  });

  it("stores its secret encrypted", async () => {
    await using server = await start();
    const { secret } = await server.addTotp(await server.signIn());
    const { material } = await server.db.selectFrom("factors").select("material").executeTakeFirstOrThrow();
    expect(material).not.toContain(secret);
    expect(material.split(".")).toHaveLength(5);
  });

  it("[S109] [S74] takes each code once, and those of the steps before and after", async () => {
    await using server = await start();
    const app = await server.addTotp(await server.signIn());
    const tryCode = async (stepsAway: number) => {
      const { challengeId } = await server.beginPending();
      const code = codeOf(app.secret, server.clock.now() + stepsAway * 30_000);
      const refusal = await refusalOf(server.complete(challengeId, code));
      // A wait after wrong codes is not what this shows.
      server.clock.advanceSeconds(3600);
      return refusal;
    };
    expect(await tryCode(-2)).toBe("FACTOR_REFUSED");
    expect(await tryCode(2)).toBe("FACTOR_REFUSED");
    expect(await tryCode(-1)).toBeNull();
    expect(await tryCode(1)).toBeNull();
    expect(await tryCode(0)).toBeNull();
    // A clock that is ten minutes wrong.
    expect(await tryCode(20)).toBe("FACTOR_REFUSED");
    expect(await tryCode(-20)).toBe("FACTOR_REFUSED");

    const { challengeId } = await server.beginPending();
    const code = app.code();
    await server.complete(challengeId, code);
    const again = await server.beginPending();
    expect(await refusalOf(server.complete(again.challengeId, code))).toBe("FACTOR_REFUSED");
    // An earlier code, which nobody has used, is older than one that was.
    expect(await refusalOf(server.complete(again.challengeId, codeOf(app.secret, server.clock.now() - 30_000)))).toBe(
      "FACTOR_REFUSED",
    );
  });

  it("[S109] takes one code once in 50 parallel tries", async () => {
    await using server = await start();
    const app = await server.addTotp(await server.signIn());
    const challenges = [];
    for (let n = 0; n < 50; n++) challenges.push((await server.beginPending()).challengeId);
    const before = await server.sessionCount();
    const code = app.code();
    const outcomes = await Promise.all(challenges.map((challengeId) => refusalOf(server.complete(challengeId, code))));
    expect(outcomes.filter((refusal) => refusal === null)).toHaveLength(1);
    expect(await server.sessionCount()).toBe(before + 1);
  });

  it("[S67] [S89] counts wrong codes as failures of the account, also when the password is right each time", async () => {
    await using server = await start();
    const app = await server.addTotp(await server.signIn());
    const outcomes: (string | null)[] = [];
    for (let n = 0; n < 7; n++) {
      const challengeId = await server.begin().then(
        (outcome) => ("challengeId" in outcome ? outcome.challengeId : ""),
        () => "",
      );
      outcomes.push(challengeId === "" ? "password refused" : await refusalOf(server.complete(challengeId, "000000")));
    }
    expect(outcomes.slice(0, 5)).toEqual(Array(5).fill("FACTOR_REFUSED"));
    expect(outcomes.slice(5)).toEqual(["password refused", "password refused"]);
    server.clock.advanceSeconds(3600);
    const { challengeId } = await server.beginPending();
    await server.complete(challengeId, app.code());
  });
});
