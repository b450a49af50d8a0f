import { type Acr, type Assurance, acrValues } from "@lockstep/kit";
import { describe, expect, it } from "vitest";
import {
  claimsOf,
  isAssured,
  mergedFactors,
  type ProofMethod,
  type ProvedFactor,
  provedAt,
  storedFactors,
} from "./assurance.ts";

const now = 1_795_441_415_000;
const minutes = (count: number) => count * 60_000;

const session = (...factors: ProvedFactor[]) => ({
  factors: storedFactors(factors),
  authenticatedAt: provedAt(factors, "1fa") ?? 0,
});
const proved = (method: ProofMethod, minutesAgo = 0): ProvedFactor => ({ method, at: now - minutes(minutesAgo) });

/** Every way in, with every second factor, and what that proves. */
const firsts = ["password", "email", "provider", "unknown"] as const satisfies ProofMethod[];
const whole = { provider_2fa: "2fa", provider_phr: "phr", passkey: "phr" } as const satisfies Partial<
  Record<ProofMethod, Acr>
>;
const seconds = [null, "totp", "recovery_code"] as const;
const ways: [ProofMethod[], Acr][] = [
  ...firsts.flatMap((first) =>
    seconds.map((second): [ProofMethod[], Acr] => [second ? [first, second] : [first], second ? "2fa" : "1fa"]),
  ),
  ...Object.entries(whole).flatMap(([first, acr]) =>
    seconds.map((second): [ProofMethod[], Acr] => [
      second ? [first as ProofMethod, second] : [first as ProofMethod],
      acr,
    ]),
  ),
  // Two of the same kind are one factor.
  [["password", "email"], "1fa"],
  [["password", "email", "provider"], "1fa"],
  [["password", "passkey"], "phr"],
  [["totp", "recovery_code"], "1fa"],
];

describe("what a sign-in proves", () => {
  it.each(ways)("[S111] %j yields %s, and nothing above it", (methods, acr) => {
    const own = session(...methods.map((method) => proved(method)));
    expect(claimsOf(own).acr).toBe(acr);
    const limits: Record<Acr, Assurance> = {
      "1fa": { factors: 1 },
      "2fa": { factors: 2 },
      phr: { phishingResistant: true },
    };
    for (const level of acrValues) {
      const isProved =
        provedAt(
          methods.map((method) => proved(method)),
          level,
        ) !== null;
      expect(isAssured(own, limits[level], now)).toBe(isProved);
      expect(isProved && acrValues.indexOf(level) > acrValues.indexOf(acr)).toBe(false);
    }
  });

  it("[S76] counts a mailed code as a first factor, beside which it is no second one", () => {
    expect(claimsOf(session(proved("password"), proved("email")))).toMatchObject({
      acr: "1fa",
      amr: ["pwd"],
    });
  });

  it("names its ways as RFC 8176 does", () => {
    expect(claimsOf(session(proved("password"))).amr).toEqual(["pwd"]);
    expect(claimsOf(session(proved("password"), proved("totp"))).amr).toEqual(["pwd", "otp", "mfa"]);
    expect(claimsOf(session(proved("passkey"))).amr).toEqual(["pop", "user", "mfa"]);
    expect(claimsOf(session(proved("provider"))).amr).toEqual([]);
    expect(claimsOf(session(proved("provider_2fa"))).amr).toEqual(["mfa"]);
  });

  it("counts two factors from the earlier one, so that one of them alone renews nothing", () => {
    const own = session(proved("password", 1), proved("totp", 10));
    expect(claimsOf(own)).toMatchObject({ acr: "2fa", authenticatedAt: now - minutes(10) });
    expect(isAssured(own, { factors: 2, maxAgeSeconds: 300 }, now)).toBe(false);
    expect(isAssured(own, { factors: 2, maxAgeSeconds: 600 }, now)).toBe(true);
    expect(isAssured(own, { maxAgeSeconds: 60 }, now)).toBe(true);
    // A code of the app alone is no sign-in.
    expect(isAssured(session(proved("password", 10), proved("totp")), { maxAgeSeconds: 300 }, now)).toBe(false);
  });

  it("does not let an identity provider that says nothing about the time be fresh", () => {
    const own = session({ method: "provider", at: 0 });
    expect(claimsOf(own).authenticatedAt).toBeNull();
    for (const maxAgeSeconds of [0, 10 ** 9, Number.MAX_SAFE_INTEGER])
      expect(isAssured(own, { maxAgeSeconds }, now)).toBe(false);
    expect(isAssured(own, { factors: 1 }, now)).toBe(true);
  });

  it("reads the sessions of earlier versions as one factor", () => {
    const own = { factors: null, authenticatedAt: now - minutes(1) };
    expect(claimsOf(own)).toEqual({ acr: "1fa", amr: [], authenticatedAt: now - minutes(1) });
    expect(isAssured(own, { factors: 2 }, now)).toBe(false);
  });

  it("reads ways that a later version knows as one factor", () => {
    expect(claimsOf({ factors: '[["retina",1]]', authenticatedAt: 1 }).acr).toBe("1fa");
  });

  it("keeps the latest proof of each factor when a session continues", () => {
    const one = { method: "totp", factorId: "one" } as const;
    const other = { method: "totp", factorId: "other" } as const;
    const before = [proved("password", 9), { ...one, at: 1 }, { ...other, at: 2 }];
    expect(mergedFactors(before, [{ ...one, at: 3 }])).toEqual([before[0], { ...other, at: 2 }, { ...one, at: 3 }]);
  });
});

describe("the claims of a client's token", () => {
  const claims = (acr: Acr | null, minutesAgo: number | null) => ({
    acr,
    authenticatedAt: minutesAgo === null ? null : now - minutes(minutesAgo),
  });

  it("satisfy what they say, and no more", () => {
    expect(isAssured(claims("2fa", 1), { factors: 2, maxAgeSeconds: 300 }, now)).toBe(true);
    expect(isAssured(claims("phr", 1), { factors: 2 }, now)).toBe(true);
    expect(isAssured(claims("2fa", 1), { phishingResistant: true }, now)).toBe(false);
    expect(isAssured(claims("1fa", 1), { factors: 2 }, now)).toBe(false);
    expect(isAssured(claims("2fa", 6), { factors: 2, maxAgeSeconds: 300 }, now)).toBe(false);
    for (const maxAgeSeconds of [300, Number.MAX_SAFE_INTEGER])
      expect(isAssured(claims("2fa", null), { factors: 2, maxAgeSeconds }, now)).toBe(false);
    expect(isAssured(claims(null, null), { factors: 2 }, now)).toBe(false);
    expect(isAssured(claims(null, null), { factors: 1 }, now)).toBe(true);
  });
});
