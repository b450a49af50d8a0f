// Owns what proved factors are worth: how a session stores them, and the `acr`, `amr` and `auth_time` of its tokens. Two
// factors are something a person knows, or an identity provider says, and something they have. A code that was mailed
// is no second factor (OWASP ASVS 6.3.6). A passkey is both, since it verifies its user.

import { type Acr, type Assurance, acrValues } from "@lockstep/kit";

/** How each way of proving counts, and its values of `amr` (RFC 8176 §2). */
const methods = {
  password: { counts: "first", amr: ["pwd"] },
  /** A code that was mailed. `otp` would be read as something that the person has. */
  email: { counts: "first", amr: [] },
  provider: { counts: "first", amr: [] },
  /** An identity provider that proved two factors, by its setting. */
  provider_2fa: { counts: "both", amr: ["mfa"] },
  /** The same, with a passkey or the like. */
  provider_phr: { counts: "phishing-resistant", amr: ["mfa"] },
  totp: { counts: "second", amr: ["otp"] },
  recovery_code: { counts: "second", amr: ["otp"] },
  passkey: { counts: "phishing-resistant", amr: ["pop", "user", "mfa"] },
  /** A session of an earlier version does not say how it began. */
  unknown: { counts: "first", amr: [] },
} as const satisfies Record<string, { counts: "first" | "second" | "both" | "phishing-resistant"; amr: string[] }>;

export type ProofMethod = keyof typeof methods;

/** A factor that a person proved. */
export interface ProvedFactor {
  readonly method: ProofMethod;
  /** Epoch milliseconds. 0: nobody knows. */
  readonly at: number;
  /** The row of `factors`. Absent: there is none, as for a password. */
  readonly factorId?: string;
}

/** What is known about how a caller proved who they are: the columns of a session, or the claims of a client's token. */
export type Proof =
  | { readonly factors: string | null; readonly authenticatedAt: number }
  /** `authenticatedAt` is when `acr` was proved; `null`: the token does not say. */
  | { readonly acr: Acr | null; readonly authenticatedAt: number | null };

/** The claims of tokens. @see OpenID Connect Core §2, RFC 9068 §2.2.1 */
export interface AssuranceClaims {
  readonly acr: Acr;
  readonly amr: readonly string[];
  /** When that much was last proved: epoch milliseconds. `null`: nobody knows. */
  readonly authenticatedAt: number | null;
}

/** The text of a session's column: `[["password",1795441415893],["totp",1795441420021,"…"]]`. */
export const storedFactors = (factors: readonly ProvedFactor[]): string =>
  JSON.stringify(
    factors.map(({ method, at, factorId }) => (factorId === undefined ? [method, at] : [method, at, factorId])),
  );

/** The factors of a session, from its columns. */
export const provedFactors = (session: { factors: string | null; authenticatedAt: number }): ProvedFactor[] => {
  if (session.factors === null) return [{ method: "unknown", at: session.authenticatedAt }];
  return (JSON.parse(session.factors) as [ProofMethod, number, string?][]).map(([method, at, factorId]) => ({
    // A later version may know more.
    method: Object.hasOwn(methods, method) ? method : "unknown",
    at,
    ...(factorId !== undefined && { factorId }),
  }));
};

/** The latest proof of each factor. */
export const mergedFactors = (before: readonly ProvedFactor[], since: readonly ProvedFactor[]): ProvedFactor[] => {
  const isSame = (one: ProvedFactor, other: ProvedFactor) =>
    one.method === other.method && one.factorId === other.factorId;
  return [...before.filter((one) => !since.some((other) => isSame(one, other))), ...since];
};

const lastOf = (factors: readonly ProvedFactor[], ...counts: (typeof methods)[ProofMethod]["counts"][]): number =>
  Math.max(...factors.filter(({ method }) => counts.includes(methods[method].counts)).map(({ at }) => at));

/**
 * When a level was last proved in full: epoch milliseconds. Two factors that were proved at different times count from
 * the earlier one, so that one of them alone never renews both. `null`: it was not.
 */
export const provedAt = (factors: readonly ProvedFactor[], level: Acr): number | null => {
  const twoAtOnce = lastOf(factors, "both", "phishing-resistant");
  const at = {
    "1fa": lastOf(factors, "first", "both", "phishing-resistant"),
    "2fa": Math.max(twoAtOnce, Math.min(lastOf(factors, "first"), lastOf(factors, "second"))),
    phr: lastOf(factors, "phishing-resistant"),
  }[level];
  return at === Number.NEGATIVE_INFINITY ? null : at;
};

/**
 * The claims about a session: the most that was proved, and when.
 * @param since only what was proved from then on, if anything was: epoch milliseconds
 */
export const claimsOf = (session: { factors: string | null; authenticatedAt: number }, since = 0): AssuranceClaims => {
  const factors = provedFactors(session);
  const acr = acrValues.findLast((level) => (provedAt(factors, level) ?? Number.NEGATIVE_INFINITY) >= since) ?? "1fa";
  const amr = new Set(factors.flatMap(({ method, at }) => (at >= since ? methods[method].amr : [])));
  if (acr !== "1fa") amr.add("mfa");
  return { acr, amr: [...amr], authenticatedAt: provedAt(factors, acr) || null };
};

/** The level that an operation asks for. */
export const levelOf = ({ factors = 1, phishingResistant = false }: Assurance): Acr => {
  if (phishingResistant) return "phr";
  return factors === 2 ? "2fa" : "1fa";
};

/** The levels that satisfy one, the least first. */
export const levelsFrom = (level: Acr): readonly Acr[] => acrValues.slice(acrValues.indexOf(level));

/** Whether a caller has proved what an operation asks for, recently enough. A time that nobody knows is never recent. */
export const isAssured = (proof: Proof, assurance: Assurance, now: number): boolean => {
  const level = levelOf(assurance);
  const { maxAgeSeconds } = assurance;
  // A token says when all of its `acr` was proved, which is no later than any part of it.
  const at = "factors" in proof ? provedAt(provedFactors(proof), level) : tokenProvedAt(proof, level);
  if (at === null) return false;
  return maxAgeSeconds === undefined || (at > 0 && now - at <= maxAgeSeconds * 1000);
};

const tokenProvedAt = ({ acr, authenticatedAt }: Extract<Proof, { acr: unknown }>, level: Acr): number | null =>
  levelsFrom(level).includes(acr ?? "1fa") ? (authenticatedAt ?? 0) : null;
