// Owns who may call an operation. Declaring access implies authentication: an operation cannot be declared without
// one of these three, so nothing is public by omission. `contract.ts` holds role and scope to the app's own lists.

/** What a user is to the engine, the least first. An app may add its own. Third parties have no role. */
export const engineRoles = ["user", "admin"] as const;

/** No principal: the call is answered without looking at a token. */
export interface Anyone {
  readonly kind: "anyone";
}

/** A session of the app's own clients. A third party's token is refused, whatever its scopes. */
export interface FirstParty<R extends string = string> {
  readonly kind: "firstParty";
  /** The least role that may call. Absent: any signed-in user. */
  readonly role?: R;
  /** The longest time since the user last proved who they are, in seconds (RFC 9470). */
  readonly maxAgeSeconds?: number;
}

/** A session of the app's own clients, or a third party's token that was granted all of `scopes`. */
export interface Scoped<S extends string = string> {
  readonly kind: "scoped";
  readonly scopes: readonly [S, ...S[]];
}

export type Access = Anyone | FirstParty | Scoped;

export const anyone: Anyone = { kind: "anyone" };

export const firstParty = <R extends string = string>(limits: Omit<FirstParty<R>, "kind"> = {}): FirstParty<R> => ({
  kind: "firstParty",
  ...limits,
});

export const scoped = <S extends string>(...needed: readonly [S, ...S[]]): Scoped<S> => ({
  kind: "scoped",
  scopes: needed,
});
