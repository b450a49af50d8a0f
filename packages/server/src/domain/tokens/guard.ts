// Owns the decision whether a call may go on: who calls (a token, made into a principal) and whether
// the operation's declared access lets them. Every transport asks here.

import type { Access, Anyone, FirstParty, User } from "@lockstep/kit";
import type { Clients } from "../clients/clients.ts";
import type { Grants } from "../clients/grants.ts";
import { DomainError } from "../kernel/domain-error.ts";
import type { Now } from "../kernel/environment.ts";
import type { Session, Sessions } from "../sessions/sessions.ts";
import type { Credential } from "./bearer.ts";
import type { Dpop } from "./dpop.ts";
import type { VerifiedTokens } from "./verified-tokens.ts";

/** A person who uses one of our own apps. */
export interface FirstPartyPrincipal {
  readonly kind: "firstParty";
  readonly user: User;
  readonly session: Session;
}

/** Somebody else's client, or a session that was narrowed at sign-in: acts for a person within its scopes. */
export interface ThirdPartyPrincipal {
  readonly kind: "thirdParty";
  readonly user: User;
  readonly clientId: string;
  readonly scopes: ReadonlySet<string>;
}

/** Somebody else's client that signed in as itself: there is no person that it acts for. */
export interface ClientPrincipal {
  readonly kind: "client";
  readonly clientId: string;
}

/** Who an operation can be called by. */
export type Principal = FirstPartyPrincipal | ThirdPartyPrincipal;

/** The principal that an operation of this access is called by. */
export type PrincipalFor<A extends Access> = A extends Anyone
  ? null
  : A extends FirstParty
    ? FirstPartyPrincipal
    : Principal;

export type Guard = ReturnType<typeof createGuard>;

export interface GuardOptions {
  readonly tokens: VerifiedTokens;
  readonly sessions: Sessions;
  readonly grants: Grants;
  readonly clients: Clients;
  readonly dpop: Dpop;
  readonly now: Now;
  /** The contract's, the least first. */
  readonly roles: readonly string[];
}

export const createGuard = ({ tokens, sessions, grants, clients, dpop, now, roles }: GuardOptions) => ({
  /**
   * The principal that a request's credential stands for, with session, grant or client and user read at this moment.
   * @throws DomainError `UNAUTHENTICATED`, `INVALID_TOKEN`, `INVALID_DPOP_PROOF`, `DPOP_NONCE_NEEDED`, `AMBIGUOUS_TOKEN`. @see RFC 6750 §3.1
   */
  async authenticate(credential: Credential): Promise<Principal | ClientPrincipal> {
    if (credential.kind === "none") throw new DomainError("UNAUTHENTICATED");
    if (credential.kind === "ambiguous") throw new DomainError("AMBIGUOUS_TOKEN");

    const { token } = credential;
    const claims = await tokens.verify(token);
    if (!claims) throw new DomainError("INVALID_TOKEN");
    const thumbprint = claims.kind === "session" ? null : claims.thumbprint;
    // RFC 9449 §7.2: a bearer token is bound to no key, and a token that is bound to one is no bearer token.
    if (thumbprint === null) {
      if (credential.kind === "dpop") throw new DomainError("INVALID_TOKEN");
    } else {
      if (credential.kind !== "dpop") throw new DomainError("INVALID_DPOP_PROOF");
      const verdict = await dpop.verify(credential.proof, token, thumbprint);
      if (verdict === "refused") throw new DomainError("INVALID_DPOP_PROOF");
      if (verdict !== "verified") throw new DomainError("DPOP_NONCE_NEEDED", { nonce: verdict.nonceNeeded });
    }

    if (claims.kind === "client") {
      const { clientId, tokenId } = claims;
      if (!(await clients.accepts(clientId, tokenId))) throw new DomainError("INVALID_TOKEN");
      return { kind: "client", clientId };
    }
    if (claims.kind === "grant") {
      const { clientId, tokenId, userId, grantId } = claims;
      const live = await grants.findLive({ grantId, tokenId, userId, clientId });
      if (!live) throw new DomainError("INVALID_TOKEN");
      // Never more than the token says, nor than is granted now.
      const scopes = new Set(claims.scopes.filter((scope) => live.scopes.includes(scope)));
      return { kind: "thirdParty", user: live.user, clientId, scopes };
    }

    const live = await sessions.findLive(claims.sessionId);
    if (!live || live.user.id !== claims.userId) throw new DomainError("INVALID_TOKEN");
    const narrowedTo = live.session.scopes;
    if (narrowedTo === null) return { kind: "firstParty", user: live.user, session: live.session };
    const scopes = new Set(claims.scopes.filter((scope) => narrowedTo.includes(scope)));
    return { kind: "thirdParty", user: live.user, clientId: claims.clientId, scopes };
  },

  /**
   * Lets the principal through, or says why not.
   * @throws DomainError `INSUFFICIENT_SCOPE`, `USER_REQUIRED`, `FIRST_PARTY_ONLY`, `ROLE_REQUIRED`,
   * `REAUTHENTICATION_REQUIRED`.
   */
  authorize(access: Exclude<Access, Anyone>, principal: Principal | ClientPrincipal): Principal {
    if (access.kind === "scoped") {
      if (principal.kind === "client") throw new DomainError("USER_REQUIRED");
      if (principal.kind === "thirdParty" && !access.scopes.every((scope) => principal.scopes.has(scope))) {
        throw new DomainError("INSUFFICIENT_SCOPE", { scopes: [...access.scopes] });
      }
      return principal;
    }
    if (principal.kind !== "firstParty") throw new DomainError("FIRST_PARTY_ONLY");
    if (access.role && !holds(roles, principal.user.role, access.role)) throw new DomainError("ROLE_REQUIRED");
    const { maxAgeSeconds } = access;
    if (maxAgeSeconds !== undefined && now() - principal.session.authenticatedAt > maxAgeSeconds * 1000) {
      throw new DomainError("REAUTHENTICATION_REQUIRED", { maxAgeSeconds });
    }
    return principal;
  },
});

/** Roles are ordered, the least first; one that the contract has no more holds nothing. */
const holds = (roles: readonly string[], role: string, needed: string) => roles.indexOf(role) >= roles.indexOf(needed);
