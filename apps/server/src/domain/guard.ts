// Owns the decision whether a call may go on: who calls (a token, made into a principal) and whether
// the operation's declared access lets them. Every transport asks here.

import type { Access, Anyone, FirstParty, Role, Scope, User } from "@lockstep/contract";
import type { Credential } from "./bearer.ts";
import { DomainError } from "./domain-error.ts";
import type { Now } from "./environment.ts";
import type { Session, Sessions } from "./sessions.ts";
import { firstPartyClientId } from "./tokens.ts";
import type { VerifiedTokens } from "./verified-tokens.ts";

/** A person who uses one of our own apps. */
export interface FirstPartyPrincipal {
  readonly kind: "firstParty";
  readonly user: User;
  readonly session: Session;
}

/** Somebody else's application, or a session that was narrowed at sign-in: acts for a person within its scopes. */
export interface ThirdPartyPrincipal {
  readonly kind: "thirdParty";
  readonly user: User;
  readonly session: Session;
  readonly clientId: string;
  readonly scopes: ReadonlySet<Scope>;
}

export type Principal = FirstPartyPrincipal | ThirdPartyPrincipal;

/** The principal that an operation of this access is called by. */
export type PrincipalFor<A extends Access> = A extends Anyone
  ? null
  : A extends FirstParty
    ? FirstPartyPrincipal
    : Principal;

export type Guard = ReturnType<typeof createGuard>;

export const createGuard = ({ tokens, sessions, now }: { tokens: VerifiedTokens; sessions: Sessions; now: Now }) => ({
  /**
   * The principal that a request's credential stands for, with session and user read at this moment.
   * @throws DomainError `UNAUTHENTICATED`, `INVALID_TOKEN`, `AMBIGUOUS_TOKEN`. @see RFC 6750 §3.1
   */
  async authenticate(credential: Credential): Promise<Principal> {
    if (credential.kind === "none") throw new DomainError("UNAUTHENTICATED");
    if (credential.kind === "ambiguous") throw new DomainError("AMBIGUOUS_TOKEN");

    const claims = await tokens.verify(credential.token);
    if (!claims) throw new DomainError("INVALID_TOKEN");
    const live = await sessions.findLive(claims.sessionId);
    if (!live || live.user.id !== claims.userId) throw new DomainError("INVALID_TOKEN");

    const narrowedTo = live.session.scopes;
    if (claims.clientId === firstPartyClientId && narrowedTo === null) return { kind: "firstParty", ...live };
    const scopes = new Set(claims.scopes.filter((scope) => narrowedTo === null || narrowedTo.includes(scope)));
    return { kind: "thirdParty", ...live, clientId: claims.clientId, scopes };
  },

  /**
   * Lets the principal through, or says why not.
   * @throws DomainError `INSUFFICIENT_SCOPE`, `FIRST_PARTY_ONLY`, `ROLE_REQUIRED`, `REAUTHENTICATION_REQUIRED`.
   */
  authorize(access: Exclude<Access, Anyone>, principal: Principal): void {
    if (access.kind === "scoped") {
      if (principal.kind === "thirdParty" && !access.scopes.every((scope) => principal.scopes.has(scope))) {
        throw new DomainError("INSUFFICIENT_SCOPE", { scopes: [...access.scopes] });
      }
      return;
    }
    if (principal.kind !== "firstParty") throw new DomainError("FIRST_PARTY_ONLY");
    if (access.role && !holds(principal.user.role, access.role)) throw new DomainError("ROLE_REQUIRED");
    const { maxAgeSeconds } = access;
    if (maxAgeSeconds !== undefined && now() - principal.session.authenticatedAt > maxAgeSeconds * 1000) {
      throw new DomainError("REAUTHENTICATION_REQUIRED", { maxAgeSeconds });
    }
  },
});

const rank = { user: 0, admin: 1 } satisfies Record<Role, number>;

const holds = (role: Role, needed: Role) => rank[role] >= rank[needed];
