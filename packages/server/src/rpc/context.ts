// Owns what a procedure knows of the call it answers.

import type { Source } from "../domain/kernel/audit.ts";
import type { Credential } from "../domain/tokens/bearer.ts";
import type { ClientPrincipal, Guard, Principal } from "../domain/tokens/guard.ts";

/** The tokens that a browser keeps for us, where no script can read them. */
export interface Cookies {
  /** What the request brought; each is `null` when absent, or when another origin made the browser send it. */
  readonly refreshToken: string | null;
  readonly deviceToken: string | null;
  /** Whether a page of another origin made this request: then no cookie is taken or given. */
  readonly foreign: boolean;
  setRefreshToken(token: string, expiresAt: number): void;
  clearRefreshToken(): void;
  setDeviceToken(token: string): void;
  /** What shows that a client's request for access began in this browser; `null`: it did not. */
  authorizationSecret(id: string): string | null;
  /** That request was answered. */
  clearAuthorization(id: string): void;
}

/** What a transport tells of a request. */
export interface Request {
  /** Names this call in the log, in the audit trail and in error answers. */
  readonly requestId: string;
  readonly credential: Credential;
  readonly source: Source;
  readonly cookies: Cookies;
  /** How many calls of this request take a password or a token. */
  readonly credentialCalls: number;
}

export interface Context extends Omit<Request, "credential"> {
  /** Who calls, looked up once however many calls a batch has. Rejects with a `DomainError`. */
  readonly authenticate: () => Promise<Principal | ClientPrincipal>;
  readonly guard: Guard;
}

/** The context of one request; also what `createCaller` takes. */
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
