// Owns the decision whether a call may proceed: who calls (a credential becomes a principal), and whether the
// operation's declared access allows it. Every transport asks here.

import type { Access, Anyone, Assurance, FirstParty, User } from "@lockstep/kit";
import type { Clients } from "../clients/clients.ts";
import type { Grants } from "../clients/grants.ts";
import { isAssured, type Proof } from "../factors/assurance.ts";
import { DomainError } from "../kernel/domain-error.ts";
import type { Now } from "../kernel/environment.ts";
import type { Session, Sessions } from "../sessions/sessions.ts";
import type { Credential } from "./bearer.ts";
import type { Dpop } from "./dpop.ts";
import { includesRole } from "./roles.ts";
import type { VerifiedTokens } from "./verified-tokens.ts";

/** A user of a first-party client. */
export interface FirstPartyPrincipal {
  readonly kind: "firstParty";
  readonly user: User;
  readonly session: Session;
}

/** A third-party client, or a session that was narrowed at sign-in: acts for a user within its scopes. */
export interface ThirdPartyPrincipal {
  readonly kind: "thirdParty";
  readonly user: User;
  readonly clientId: string;
  readonly scopes: ReadonlySet<string>;
  /** How the user proved who they are. */
  readonly proof: Proof;
}

/** A client that authenticated as itself and acts for no person. */
export interface ClientPrincipal {
  readonly kind: "client";
  readonly clientId: string;
}

/** A principal: the caller of an operation. */
export type Principal = FirstPartyPrincipal | ThirdPartyPrincipal;

/** The principal that calls an operation of this access. */
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
  /** The contract's roles, the least powerful first. */
  readonly roles: readonly string[];
}

export const createGuard = ({ tokens, sessions, grants, clients, dpop, now, roles }: GuardOptions) => {
  /** A person without a factor that is asked for is refused like everybody else (OWASP ASVS 6.3.4). */
  const assertAssured = (assurance: Assurance | undefined, proof: Proof): void => {
    if (!assurance || isAssured(proof, assurance, now())) return;
    const { maxAgeSeconds = null, factors = 1, phishingResistant = false } = assurance;
    throw new DomainError("REAUTHENTICATION_REQUIRED", { maxAgeSeconds, factors, phishingResistant });
  };

  /**
   * The principal of a request's credential. Session, grant, client and user are read at this moment.
   * @throws DomainError `UNAUTHENTICATED`, `INVALID_TOKEN`, `INVALID_DPOP_PROOF`, `DPOP_NONCE_NEEDED`, `AMBIGUOUS_TOKEN`. @see RFC 6750 §3.1
   */
  const authenticate = async (credential: Credential): Promise<Principal | ClientPrincipal> => {
    if (credential.kind === "none") throw new DomainError("UNAUTHENTICATED");
    if (credential.kind === "ambiguous") throw new DomainError("AMBIGUOUS_TOKEN");

    const { token } = credential;
    const claims = await tokens.verify(token);
    if (!claims) throw new DomainError("INVALID_TOKEN");
    const thumbprint = claims.kind === "session" ? null : claims.thumbprint;
    // RFC 9449 §7.2: a token that is bound to a key is not a bearer token.
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
      // No more than the token says, and no more than is granted now.
      const scopes = new Set(claims.scopes.filter((scope) => live.scopes.includes(scope)));
      const { acr, authenticatedAt } = claims;
      return { kind: "thirdParty", user: live.user, clientId, scopes, proof: { acr, authenticatedAt } };
    }

    const live = await sessions.findLive(claims.sessionId);
    if (!live || live.user.id !== claims.userId) throw new DomainError("INVALID_TOKEN");
    const narrowedTo = live.session.scopes;
    if (narrowedTo === null) return { kind: "firstParty", user: live.user, session: live.session };
    const scopes = new Set(claims.scopes.filter((scope) => narrowedTo.includes(scope)));
    return { kind: "thirdParty", user: live.user, clientId: claims.clientId, scopes, proof: live.session };
  };

  /**
   * Checks that the access allows the principal.
   * @throws DomainError `INSUFFICIENT_SCOPE`, `USER_REQUIRED`, `FIRST_PARTY_ONLY`, `ROLE_REQUIRED`,
   * `REAUTHENTICATION_REQUIRED`.
   */
  const authorize = (access: Exclude<Access, Anyone>, principal: Principal | ClientPrincipal): Principal => {
    if (access.kind === "scoped") {
      if (principal.kind === "client") throw new DomainError("USER_REQUIRED");
      if (principal.kind === "thirdParty" && !access.scopes.every((scope) => principal.scopes.has(scope))) {
        throw new DomainError("INSUFFICIENT_SCOPE", { scopes: [...access.scopes] });
      }
      assertAssured(access.assurance, principal.kind === "firstParty" ? principal.session : principal.proof);
      return principal;
    }
    if (principal.kind !== "firstParty") throw new DomainError("FIRST_PARTY_ONLY");
    if (access.role && !includesRole(roles, principal.user.role, access.role)) throw new DomainError("ROLE_REQUIRED");
    assertAssured(access.assurance, principal.session);
    return principal;
  };

  return { authenticate, authorize };
};
