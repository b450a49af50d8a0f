// Owns DPoP nonces (RFC 9449 §8): the library's own, so that the API and the token endpoint accept each other's.
// Clients keep one nonce for each origin, and both have the same.

/// <reference path="./oidc-provider.d.ts" />
import ServerChallenge from "oidc-provider/lib/helpers/challenge.js";
import type { Secrets } from "../domain/kernel/secrets.ts";
import type { DpopNonces } from "../domain/tokens/dpop.ts";

export const dpopNonceSecret = (secrets: Secrets): Buffer => secrets.keysFor("dpop-nonces")[0].export();

export const createDpopNonces = (secrets: Secrets): DpopNonces => {
  const challenge = new ServerChallenge(dpopNonceSecret(secrets), "DPoP");
  return { next: () => challenge.nextChallenge(), accepts: (nonce) => challenge.checkChallenge(nonce) };
};
