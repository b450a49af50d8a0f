// Owns what this server needs of a provider, whichever protocol it speaks, and how what goes wrong there is told.

import { errors as joseErrors } from "jose";
import {
  AuthorizationResponseError,
  ClientError,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
} from "openid-client";
import type { Vouched } from "../domain/identities/identity-sign-in.ts";
import { LoginRefusal } from "../domain/identities/login-refusal.ts";
import { OutboundError } from "../outbound.ts";
import type { ProviderSettings } from "./identity-provider-settings.ts";

/** What one trip to the provider is bound to; each value is made for that trip alone. */
export interface Checks {
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  /** RFC 7636. */
  readonly codeVerifier: string;
  /** Whether the person must prove there again who they are. */
  readonly fresh: boolean;
}

/** A logout token that holds. @see OpenID Connect Back-Channel Logout 1.0 §2.4 */
export interface LogoutToken {
  readonly id: string;
  readonly issuer: string;
  readonly subject: string | null;
  readonly sessionId: string | null;
}

export interface Provider {
  readonly settings: ProviderSettings;
  /** Where the browser goes. */
  authorizationUrl(checks: Checks): Promise<URL>;
  /** Whom the provider vouches for, in what came back to `callback`. */
  redeem(callback: URL, checks: Checks): Promise<Omit<Vouched, "rules">>;
  /** Where the browser goes to sign out there; `null`: the provider has no such place. */
  endSessionUrl(idToken: string, returnTo: string): Promise<URL | null>;
  /** `null`: the provider sends none that could be trusted. */
  verifyLogoutToken(token: string): Promise<LogoutToken | null>;
  /**
   * What is to be said of how it is set up, one sentence each.
   * @throws LoginRefusal when it cannot be used as it is; its message says why
   */
  check(): Promise<readonly string[]>;
}

/** How old a proof may be that was asked to be fresh: as long as what needs a fresh sign-in lets it be. */
export const freshSeconds = 15 * 60;

/** What a failure on the way to a provider and back is to the person; anything else is a bug, and thrown on. */
export const refusalOf = (error: unknown): LoginRefusal => {
  if (error instanceof LoginRefusal) return error;
  if (error instanceof AuthorizationResponseError) {
    const reason = `the provider answered ${plain(error.error)}`;
    if (error.error === "access_denied") return new LoginRefusal("cancelled", reason);
    return new LoginRefusal(passing.has(error.error) ? "unavailable" : "refused", reason);
  }
  if (error instanceof ResponseBodyError)
    return new LoginRefusal(
      error.status >= 500 ? "unavailable" : "refused",
      `the provider's token endpoint answered ${plain(error.error)}`,
    );
  if (error instanceof WWWAuthenticateChallengeError)
    return new LoginRefusal("refused", "the provider refused its own access token");
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

/** The provider does not work, which is not to say that somebody is lying. */
const brokenAnswers = new Set([
  "OAUTH_RESPONSE_IS_NOT_CONFORM",
  "OAUTH_RESPONSE_IS_NOT_JSON",
  "OAUTH_PARSE_ERROR",
  // Of a set of keys: it could not be read, is none, or did not come in time.
  "ERR_JOSE_GENERIC",
  "ERR_JWKS_INVALID",
  "ERR_JWKS_TIMEOUT",
]);

/** An error code as a provider, or anyone who made an address, wrote it: only if it looks like one. */
const plain = (code: string) => (/^[a-z_]{1,60}$/.test(code) ? code : "an error");

const causes = (error: unknown): Error[] => (error instanceof Error ? [error, ...causes(error.cause)] : []);
