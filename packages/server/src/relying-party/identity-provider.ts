// Owns the interface of an identity provider, for every protocol, and how its failures are reported.

import { errors as joseErrors } from "jose";
import {
  AuthorizationResponseError,
  ClientError,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
} from "openid-client";
import type { VerifiedIdentity } from "../domain/identities/identity-sign-in.ts";
import { LoginRefusal } from "../domain/identities/login-refusal.ts";
import { OutboundError } from "../outbound.ts";
import type { IdentityProviderSettings } from "./identity-provider-settings.ts";

/** The values that one sign-in at the identity provider is bound to; each is new. */
export interface Checks {
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  /** RFC 7636. */
  readonly codeVerifier: string;
  /** Whether the person must sign in there again. */
  readonly fresh: boolean;
}

/** A valid logout token. @see OpenID Connect Back-Channel Logout 1.0 §2.4 */
export interface LogoutToken {
  readonly id: string;
  readonly issuer: string;
  readonly subject: string | null;
  readonly sessionId: string | null;
}

export interface IdentityProvider {
  readonly settings: IdentityProviderSettings;
  /** The URL that the browser is sent to. */
  authorizationUrl(checks: Checks): Promise<URL>;
  /** The verified identity of the person, from the identity provider's response at `callback`. */
  redeem(callback: URL, checks: Checks): Promise<Omit<VerifiedIdentity, "rules">>;
  /** The URL at which the browser signs out there; `null`: there is none. */
  endSessionUrl(idToken: string, returnTo: string): Promise<URL | null>;
  /** `null`: the identity provider sends no logout tokens that can be verified. */
  verifyLogoutToken(token: string): Promise<LogoutToken | null>;
  /**
   * Warnings about its configuration, one sentence each.
   * @throws LoginRefusal when it cannot be used; the message says why
   */
  check(): Promise<readonly string[]>;
}

/** The greatest age of a fresh sign-in: that of operations that require one. */
export const freshSeconds = 15 * 60;

/** The refusal for a failure at the identity provider. Anything else is a bug, and thrown again. */
export const refusalOf = (error: unknown): LoginRefusal => {
  if (error instanceof LoginRefusal) return error;
  if (error instanceof AuthorizationResponseError) {
    const reason = `the identity provider answered ${plain(error.error)}`;
    if (error.error === "access_denied") return new LoginRefusal("cancelled", reason);
    return new LoginRefusal(passing.has(error.error) ? "unavailable" : "refused", reason);
  }
  if (error instanceof ResponseBodyError)
    return new LoginRefusal(
      error.status >= 500 ? "unavailable" : "refused",
      `the identity provider's token endpoint answered ${plain(error.error)}`,
    );
  if (error instanceof WWWAuthenticateChallengeError)
    return new LoginRefusal("refused", "the identity provider refused its own access token");
  const outbound = causes(error).find((cause) => cause instanceof OutboundError);
  if (outbound) return new LoginRefusal("unavailable", outbound.message);
  if (error instanceof ClientError) {
    const reason = `${error.code ?? "unknown"}: ${error.message}`;
    return new LoginRefusal(brokenAnswers.has(error.code ?? "") ? "unavailable" : "untrusted", reason);
  }
  if (error instanceof joseErrors.JOSEError) {
    const reason = `${error.code}: ${error.message}`;
    return new LoginRefusal(brokenAnswers.has(error.code) ? "unavailable" : "untrusted", reason);
  }
  throw error;
};

/** RFC 6749 §4.1.2.1 */
const passing = new Set(["temporarily_unavailable", "server_error"]);

/** Failures of an identity provider that does not work, rather than of a forged response. */
const brokenAnswers = new Set([
  "OAUTH_RESPONSE_IS_NOT_CONFORM",
  "OAUTH_RESPONSE_IS_NOT_JSON",
  "OAUTH_PARSE_ERROR",
  // About key sets: unreadable, invalid, or too slow.
  "ERR_JOSE_GENERIC",
  "ERR_JWKS_INVALID",
  "ERR_JWKS_TIMEOUT",
]);

/** An error code from the identity provider, or from anybody who made up a URL, if it looks like one. */
const plain = (code: string) => (/^[a-z_]{1,60}$/.test(code) ? code : "an error");

const causes = (error: unknown): Error[] => (error instanceof Error ? [error, ...causes(error.cause)] : []);
