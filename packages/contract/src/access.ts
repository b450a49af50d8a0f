// Owns who may call an operation. Declaring access implies authentication: an operation cannot be
// declared without one of these three, so nothing is public by omission.

import type { Scope } from "./scopes.ts";

/** What a person is to this backend. Third parties never get a role, whatever their scopes. */
export const roles = ["user", "admin"] as const;
export type Role = (typeof roles)[number];

/** No principal: the call is answered without looking at a token. */
export interface Anyone {
  readonly kind: "anyone";
}

/** A session of our own apps. A third party's token is refused, whatever its scopes. */
export interface FirstParty {
  readonly kind: "firstParty";
  /** The least role that may call. Absent: any signed-in person. */
  readonly role?: Role;
  /** The longest time since the person last proved who they are, in seconds (RFC 9470). */
  readonly maxAgeSeconds?: number;
}

/** Our own session, or a third party's token that was granted all of `scopes`. */
export interface Scoped<S extends Scope = Scope> {
  readonly kind: "scoped";
  readonly scopes: readonly [S, ...S[]];
}

export type Access = Anyone | FirstParty | Scoped;

export const anyone: Anyone = { kind: "anyone" };

export const firstParty = (limits: Omit<FirstParty, "kind"> = {}): FirstParty => ({ kind: "firstParty", ...limits });

export const scoped = <S extends Scope>(...needed: readonly [S, ...S[]]): Scoped<S> => ({
  kind: "scoped",
  scopes: needed,
});
