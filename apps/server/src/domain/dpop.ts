// Owns proofs of possession at our own API: whether the caller holds the key that a token is bound to (RFC 9449).
// Binding tokens to keys in the first place is the authorization server's.

import { hash } from "node:crypto";
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from "jose";
import type { Now } from "./environment.ts";
import type { SpentIds } from "./spent-ids.ts";

/** Asymmetric only. @see RFC 9449 §11.6 */
export const proofAlgorithms = ["ES256", "EdDSA", "Ed25519"] as const;

/** How old a proof may be, and how far ahead the caller's clock; an id is remembered for as long. */
const toleranceSeconds = 60;

export interface Proof {
  /** Every `DPoP` header of the request. */
  readonly proofs: readonly string[];
  readonly method: string;
  /** Where the request went, as the caller sees it. */
  readonly url: string;
}

export type Dpop = ReturnType<typeof createDpop>;

export const createDpop = ({ spentIds, now }: { spentIds: SpentIds; now: Now }) => ({
  /** Whether the request shows, for the first time, a proof of the key with this thumbprint, made for this token. */
  async verify({ proofs, method, url }: Proof, accessToken: string, thumbprint: string): Promise<boolean> {
    const [proof] = proofs;
    if (proof === undefined || proofs.length !== 1) return false; // RFC 9449 §4.3, check 1
    const verified = await verifiedProof(proof, now());
    if (verified === null || verified.thumbprint !== thumbprint) return false;
    const { jti, htm, htu, ath } = verified.payload;
    if (typeof jti !== "string" || jti.length > 200) return false;
    if (htm !== method || typeof htu !== "string" || !isSameTarget(htu, url)) return false;
    if (ath !== hash("sha256", accessToken, "base64url")) return false;
    return spentIds.spend("proof", `${thumbprint}:${jti}`, 3 * toleranceSeconds);
  },
});

/** What a proof says, and by which key; `null`: it is none. The key is the caller's, and need not even be a key. */
const verifiedProof = async (proof: string, now: number) => {
  try {
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
      typ: "dpop+jwt",
      algorithms: [...proofAlgorithms],
      requiredClaims: ["jti", "htm", "htu", "iat", "ath"],
      maxTokenAge: toleranceSeconds,
      clockTolerance: toleranceSeconds,
      currentDate: new Date(now),
    });
    return { payload, thumbprint: await calculateJwkThumbprint(protectedHeader.jwk ?? {}) };
  } catch {
    return null;
  }
};

/** RFC 9449 §4.3, check 9: without query and fragment, after normalization (RFC 3986 §6.2.2 f.). */
const isSameTarget = (a: string, b: string): boolean => {
  if (!URL.canParse(a) || !URL.canParse(b)) return false;
  const [first, second] = [new URL(a), new URL(b)];
  return first.origin === second.origin && first.pathname === second.pathname;
};
