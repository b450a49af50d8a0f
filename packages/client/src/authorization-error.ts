// Owns `AuthorizationError`, and how the failures of `oauth4webapi` become one.

import * as oauth from "oauth4webapi";

/** An authorization failed, or the access has ended. */
export class AuthorizationError extends Error {
  override readonly name = "AuthorizationError";
  /**
   * The authorization server's error code (RFC 6749 §4.1.2.1, §5.2, RFC 8628 §3.5), or one of ours: `unreachable` when
   * it did not answer, `invalid_response` when its answer cannot be trusted.
   */
  readonly code: "unreachable" | "invalid_response" | "access_denied" | "expired_token" | (string & {});

  constructor(code: AuthorizationError["code"], message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/**
 * Codes of `oauth4webapi` for an answer that does not come from an authorization server, such as a gateway's error
 * page.
 */
const notFromServer: ReadonlySet<string | undefined> = new Set([
  oauth.RESPONSE_IS_NOT_CONFORM,
  oauth.RESPONSE_IS_NOT_JSON,
  oauth.PARSE_ERROR,
]);

/**
 * Converts the failure of an exchange with the authorization server to an `AuthorizationError`.
 * @throws any other error unchanged
 */
export const readError = (error: unknown): AuthorizationError => {
  if (error instanceof AuthorizationError) return error;
  if (error instanceof oauth.ResponseBodyError || error instanceof oauth.AuthorizationResponseError) {
    return new AuthorizationError(error.error, error.error_description ?? error.error, error);
  }
  // RFC 6749 §5.2: a client that authenticates with the Authorization header is refused with WWW-Authenticate.
  if (error instanceof oauth.WWWAuthenticateChallengeError) {
    const { error: code = "invalid_client", error_description: description } = error.cause[0]?.parameters ?? {};
    return new AuthorizationError(code, description ?? code, error);
  }
  if (error instanceof oauth.OperationProcessingError || error instanceof oauth.UnsupportedOperationError) {
    return new AuthorizationError(
      notFromServer.has(error.code) ? "unreachable" : "invalid_response",
      error.message,
      error,
    );
  }
  throw error;
};
