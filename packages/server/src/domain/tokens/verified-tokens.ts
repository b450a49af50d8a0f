// Owns the memory of access tokens that were verified, so that a client's every call does not cost a signature.
// What is remembered is what the token's text alone decides; whether its session and its user still live is read
// anew on each call (`guard.ts`).

import { hash } from "node:crypto";
import type { Now } from "../kernel/environment.ts";
import type { Keyring } from "./keyring.ts";
import type { Tokens, VerifiedToken } from "./tokens.ts";

/** As many as are in use in ten minutes, in some megabytes; what does not fit is verified again. */
const defaultLimit = 10_000;

export type VerifiedTokens = Pick<Tokens, "verify">;

export const createVerifiedTokens = ({
  tokens,
  keyring,
  now,
  limit = defaultLimit,
}: {
  tokens: Pick<Tokens, "verify">;
  keyring: Pick<Keyring, "find">;
  now: Now;
  limit?: number;
}): VerifiedTokens => {
  /** By digest, so that no memory holds what would let anyone in. The oldest first. */
  const remembered = new Map<string, VerifiedToken>();

  const makeRoom = () => {
    for (const [digest, { expiresAt }] of remembered) {
      if (remembered.size < limit && now() < expiresAt) return;
      remembered.delete(digest);
    }
  };

  return {
    /** As `tokens.verify` answers, at this moment: never past a token's expiry, nor for a key that was retired. */
    async verify(accessToken) {
      const digest = hash("sha256", accessToken, "base64url");
      const known = remembered.get(digest);
      if (known && now() < known.expiresAt && (await keyring.find(known.keyId))) return known;
      remembered.delete(digest);
      const verified = await tokens.verify(accessToken);
      if (verified && now() < verified.expiresAt) {
        makeRoom();
        remembered.set(digest, verified);
      }
      return verified;
    },
  };
};
