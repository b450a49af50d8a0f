// Owns proofs of possession at our own API: whether the caller holds the key that a token is bound to (RFC 9449). The
// authorization server binds tokens to keys.

import { hash } from "node:crypto";
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from "jose";
import type { Now } from "../kernel/environment.ts";
import type { SpentIds } from "../kernel/spent-ids.ts";

/** Asymmetric only. @see RFC 9449 §11.6 */
export const proofAlgorithms = ["ES256", "EdDSA", "Ed25519"] as const;

/**
 * The greatest age of a proof without a nonce, and how far the caller's clock may be ahead: as at the token endpoint.
 */
export const proofToleranceSeconds = 5 * 60;

export interface Proof {
  /** Every `DPoP` header of the request. */
  readonly proofs: readonly string[];
  readonly method: string;
  /** The URL as the caller sees it. */
  readonly url: string;
}

/** DPoP nonces, which every server of this service accepts for some minutes. @see RFC 9449 §8 */
export interface DpopNonces {
  next(): string;
  accepts(nonce: string): boolean;
}

export type ProofVerdict = "verified" | "refused" | { readonly nonceNeeded: string };

export type Dpop = ReturnType<typeof createDpop>;

export const createDpop = ({ spentIds, nonces, now }: { spentIds: SpentIds; nonces: DpopNonces; now: Now }) => ({
  /**
   * Whether the request presents, for the first time, a proof of the key with this thumbprint, made for this token.
   * When only its time is wrong, a nonce is needed: it tells a wrong clock from an old proof.
   */
  async verify({ proofs, method, url }: Proof, accessToken: string, thumbprint: string): Promise<ProofVerdict> {
    const [proof] = proofs;
    if (proof === undefined || proofs.length !== 1) return "refused"; // RFC 9449 §4.3, check 1
    const verified = await verifiedProof(proof);
    if (verified === null || verified.thumbprint !== thumbprint) return "refused";
    const { jti, htm, htu, ath, iat, nonce } = verified.payload;
    if (typeof jti !== "string" || jti.length > 200) return "refused";
    if (htm !== method || typeof htu !== "string" || !isSameTarget(htu, url)) return "refused";
    if (ath !== hash("sha256", accessToken, "base64url")) return "refused";
    if (nonce === undefined) {
      const isRecent = iat !== undefined && Math.abs(now() / 1000 - iat) <= proofToleranceSeconds;
      if (!isRecent) return { nonceNeeded: nonces.next() };
    } else if (typeof nonce !== "string" || !nonces.accepts(nonce)) return { nonceNeeded: nonces.next() };
    // For as long as the proof could be accepted: twice the tolerance if the caller's clock is ahead.
    const isFirst = await spentIds.spend("proof", `${thumbprint}:${jti}`, 2 * proofToleranceSeconds);
    return isFirst ? "verified" : "refused";
  },
});

/**
 * The payload of a proof, and the thumbprint of its key; `null`: it is not a valid proof. The key is untrusted input.
 */
const verifiedProof = async (proof: string) => {
  try {
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
      typ: "dpop+jwt",
      algorithms: [...proofAlgorithms],
      requiredClaims: ["jti", "htm", "htu", "iat", "ath"],
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
