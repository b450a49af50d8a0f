// Declares what a person can do about a client's authorization request. The authorization server implements it
// (`authorization-server/interactions.ts`); RPC calls it through this interface.

import type { AuthorizationAsker, AuthorizationRequest, User } from "@lockstep/kit";
import type { Source } from "../kernel/audit.ts";
import type { Session } from "../sessions/sessions.ts";

/** An authorization request, and the browser that asks about it. */
export interface AuthorizationRequestHere {
  readonly id: string;
  /** The secret that the browser got when the request began; `null`: it has none. */
  readonly browserSecret: string | null;
}

/** Each method: @throws DomainError `AUTHORIZATION_NOT_FOUND`, also when the request began in another browser. */
export interface AuthorizationRequests {
  /** The client that asks, for people who have not signed in yet. */
  asker(request: AuthorizationRequestHere): Promise<AuthorizationAsker>;
  /** The request, as this person sees it. */
  read(request: AuthorizationRequestHere, user: User, session: Session): Promise<AuthorizationRequest>;
  /**
   * Grants it, and returns the URL at which the browser continues.
   * @throws DomainError `REAUTHENTICATION_REQUIRED` when the client, or the policy of this server, requires more than the session has
   * proved
   */
  approve(
    request: AuthorizationRequestHere,
    user: User,
    session: Session,
    source: Source,
  ): Promise<{ redirectTo: string }>;
  /** Refuses it, and returns the URL at which the browser continues. */
  deny(request: AuthorizationRequestHere, session: Session): Promise<{ redirectTo: string }>;
}
