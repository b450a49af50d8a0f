// Owns the credential that a request carries and the challenge that answers it (RFC 6750, RFC 9449).

import type { ErrorDetails } from "@lockstep/kit";
import { levelOf, levelsFrom } from "../factors/assurance.ts";
import { type Proof, proofAlgorithms } from "./dpop.ts";

export type Credential =
  | { readonly kind: "none" }
  | { readonly kind: "bearer"; readonly token: string }
  | { readonly kind: "dpop"; readonly token: string; readonly proof: Proof }
  /** More than one token (RFC 6750 §2), or one in the URL, which is refused (OAuth 2.1 §7.1.3.7). */
  | { readonly kind: "ambiguous" };

/**
 * Reads the credential of a request.
 * @param authorization every `Authorization` header
 * @param queryHasToken whether the URL contains `access_token`
 * @param proof reads the proof of possession; called only for the DPoP scheme
 */
export const readCredential = (
  authorization: readonly string[],
  queryHasToken: boolean,
  proof: () => Proof,
): Credential => {
  if (queryHasToken || authorization.length > 1) return { kind: "ambiguous" };
  const [sent = ""] = authorization;
  const end = sent.indexOf(" ");
  const token = end < 0 ? "" : sent.slice(end).trim();
  // RFC 9110 §11.1: the scheme is case-insensitive.
  switch ((end < 0 ? sent : sent.slice(0, end)).toLowerCase()) {
    case "bearer":
      return { kind: "bearer", token };
    case "dpop":
      return { kind: "dpop", token, proof: proof() };
    default:
      return { kind: "none" };
  }
};

/** A challenge before it becomes a `WWW-Authenticate` header. @see RFC 9110 §11.6.1 */
export interface Challenge {
  readonly scheme: "Bearer" | "DPoP";
  readonly parameters: Readonly<Record<string, string>>;
}

/** The `WWW-Authenticate` value of a challenge. */
export const formatChallenge = ({ scheme, parameters }: Challenge): string =>
  [
    scheme,
    Object.entries(parameters)
      .map(([name, value]) => `${name}="${value}"`)
      .join(", "),
  ]
    .filter(Boolean)
    .join(" ");

/** The challenge that goes with an error. `null`: the error is not about the caller's token. */
export const challengeFor = (error: { readonly code: string; readonly details: unknown }): Challenge | null => {
  switch (error.code) {
    case "UNAUTHENTICATED":
      // RFC 6750 §3.1: without a token in the request, no error code.
      return bearer({});
    case "INVALID_TOKEN":
      return bearer({ error: "invalid_token", error_description: "The access token is not valid or no longer valid" });
    case "INVALID_DPOP_PROOF":
      // RFC 9449 §7.1
      return dpop({ error: "invalid_dpop_proof", algs: proofAlgorithms.join(" ") });
    case "DPOP_NONCE_NEEDED":
      // RFC 9449 §9
      return dpop({ error: "use_dpop_nonce", algs: proofAlgorithms.join(" ") });
    case "AMBIGUOUS_TOKEN":
      return bearer({
        error: "invalid_request",
        error_description: "Send one access token, in the Authorization header",
      });
    case "INSUFFICIENT_SCOPE":
      return bearer({
        error: "insufficient_scope",
        scope: (error.details as { scopes: string[] }).scopes.join(" "),
      });
    case "USER_REQUIRED":
      return bearer({
        error: "insufficient_scope",
        error_description: "This operation requires a user, and the token has none",
      });
    case "FIRST_PARTY_ONLY":
      return bearer({
        error: "insufficient_scope",
        error_description: "This operation is for first-party clients only",
      });
    case "REAUTHENTICATION_REQUIRED":
      return bearer(stepUpParameters(error.details as ErrorDetails<"REAUTHENTICATION_REQUIRED">));
    default:
      return null;
  }
};

/** RFC 9470 §3. One factor is what every token has proved. */
const stepUpParameters = ({
  maxAgeSeconds,
  factors,
  phishingResistant,
}: ErrorDetails<"REAUTHENTICATION_REQUIRED">): Record<string, string> => {
  const level = levelOf({ factors: factors === 2 ? 2 : 1, phishingResistant });
  return {
    error: "insufficient_user_authentication",
    ...(level !== "1fa" && { acr_values: levelsFrom(level).join(" ") }),
    ...(maxAgeSeconds !== null && { max_age: String(maxAgeSeconds) }),
  };
};

const bearer = (parameters: Record<string, string>): Challenge => ({ scheme: "Bearer", parameters });

const dpop = (parameters: Record<string, string>): Challenge => ({ scheme: "DPoP", parameters });
