// Names what a person can do about a client's request for access. The authorization server, in `authorization-server/`, does
// it; RPC, which knows nothing of protocols, calls it by this.

import type { AuthorizationAsker, AuthorizationRequest, User } from "@lockstep/kit";
import type { Source } from "../kernel/audit.ts";
import type { Session } from "../sessions/sessions.ts";

/** A request, and the browser that speaks of it. */
export interface AuthorizationRequestHere {
  readonly id: string;
  /** What that browser was given when the request began; `null`: nothing. */
  readonly browserSecret: string | null;
}

/** All of them: @throws DomainError `AUTHORIZATION_NOT_FOUND`, also when the request began in another browser. */
export interface AuthorizationRequests {
  /** Who asks; before anybody has signed in. */
  asker(request: AuthorizationRequestHere): Promise<AuthorizationAsker>;
  /** What they ask this person for. */
  read(request: AuthorizationRequestHere, user: User, session: Session): Promise<AuthorizationRequest>;
  /**
   * Grants it, and answers where the browser goes on.
   * @throws DomainError `REAUTHENTICATION_REQUIRED` when the client wants a sign-in newer than the session's
   */
  approve(
    request: AuthorizationRequestHere,
    user: User,
    session: Session,
    source: Source,
  ): Promise<{ redirectTo: string }>;
  /** Refuses it, and answers where the browser goes on. */
  deny(request: AuthorizationRequestHere): Promise<{ redirectTo: string }>;
}
