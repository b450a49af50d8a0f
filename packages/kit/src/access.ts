// Owns who may call an operation. Declaring access implies authentication: an operation cannot be declared without one
// of these three, so nothing is public by omission. `contract.ts` restricts roles and scopes to the app's own lists.

/** The roles of the engine, from least to most powerful. An app can add its own. Third-party clients have no role. */
export const engineRoles = ["user", "admin"] as const;

/** Access without signing in. Tokens are ignored. */
export interface Anyone {
  readonly kind: "anyone";
}

/** Access for first-party clients only. Third-party clients are refused, whatever their scopes. */
export interface FirstParty<R extends string = string> {
  readonly kind: "firstParty";
  /** The lowest role that may call. Absent: any signed-in user. */
  readonly role?: R;
  /** The longest time since the user last proved who they are, in seconds (RFC 9470). */
  readonly maxAgeSeconds?: number;
}

/** Access for first-party clients, and for third-party clients that were granted all of `scopes`. */
export interface Scoped<S extends string = string> {
  readonly kind: "scoped";
  readonly scopes: readonly [S, ...S[]];
}

/** Who may call an operation. Declared with `anyone`, `firstParty` or `scoped`. */
export type Access = Anyone | FirstParty | Scoped;

/** Declares access without signing in. */
export const anyone: Anyone = { kind: "anyone" };

/** Declares access for first-party clients only, within `limits`. */
export const firstParty = <R extends string = string>(limits: Omit<FirstParty<R>, "kind"> = {}): FirstParty<R> => ({
  kind: "firstParty",
  ...limits,
});

/** Declares access for first-party clients, and for third-party clients with all of the scopes `needed`. */
export const scoped = <S extends string>(...needed: readonly [S, ...S[]]): Scoped<S> => ({
  kind: "scoped",
  scopes: needed,
});
