// Owns the context of a call for its procedure.

import type { Source } from "../domain/kernel/audit.ts";
import type { Credential } from "../domain/tokens/bearer.ts";
import type { ClientPrincipal, Guard, Principal } from "../domain/tokens/guard.ts";

/** Tokens that a browser keeps in cookies, where no script can read them. */
export interface Cookies {
  /** The cookies of the request; `null`: absent, or `foreign`. */
  readonly refreshToken: string | null;
  readonly deviceToken: string | null;
  /** Whether a page that may not use the cookies made this request: then they are neither read nor set. */
  readonly foreign: boolean;
  /** Whether a browser made this request, of whatever origin its page is. */
  readonly fromBrowser: boolean;
  setRefreshToken(token: string, expiresAt: number): void;
  clearRefreshToken(): void;
  setDeviceToken(token: string): void;
  /**
   * By which this browser is recognised when it sends the code of a proof that it asked for, or the second factor of a
   * sign-in that it began. `null`: as above.
   */
  readonly proofSecret: string | null;
  setProofSecret(secret: string, lifetimeSeconds: number): void;
  /** The secret which proves that an authorization request began in this browser; `null`: it did not. */
  authorizationSecret(id: string): string | null;
  /** Called when that request was answered. */
  clearAuthorization(id: string): void;
}

/** A request as a transport passes it on. */
export interface Request {
  /** Identifies this call in the log, in the audit log and in errors. */
  readonly requestId: string;
  readonly credential: Credential;
  readonly source: Source;
  readonly cookies: Cookies;
  /** How many calls of this request take a password or a token. */
  readonly credentialCalls: number;
  /** Whether the answer is streamed: its headers are sent before the calls end, so they can set no cookies. */
  readonly streamed: boolean;
}

export interface Context extends Omit<Request, "credential"> {
  /** The principal, authenticated once for a whole batch. Rejects with a `DomainError`. */
  readonly authenticate: () => Promise<Principal | ClientPrincipal>;
  readonly guard: Guard;
}

/** The context of one request, also for `createCaller`. */
export const createContext = (guard: Guard, { credential, ...request }: Request): Context => {
  let principal: Promise<Principal | ClientPrincipal> | undefined;
  return {
    ...request,
    guard,
    authenticate: () => {
      principal ??= guard.authenticate(credential);
      return principal;
    },
  };
};
