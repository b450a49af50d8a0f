// Owns the cache of verified access tokens, so that not every call verifies a signature. It caches what the token's
// text alone decides. Whether session and user are live is read on each call (`guard.ts`).

import { hash } from "node:crypto";
import type { Now } from "../kernel/environment.ts";
import type { Keyring } from "./keyring.ts";
import type { Tokens, VerifiedToken } from "./tokens.ts";

/** About the number of tokens in use within ten minutes, in a few megabytes. Others are verified again. */
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
  /** Keyed by digest, so that no usable token stays in memory. The oldest first. */
  const remembered = new Map<string, VerifiedToken>();

  const makeRoom = () => {
    for (const [digest, { expiresAt }] of remembered) {
      if (remembered.size < limit && now() < expiresAt) return;
      remembered.delete(digest);
    }
  };

  return {
    /** Like `tokens.verify`: never a token that has expired, or whose key was retired. */
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
