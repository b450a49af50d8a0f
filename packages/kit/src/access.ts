// Owns who may call an operation. Declaring access implies authentication: an operation cannot be declared without one
// of these three, so nothing is public by omission. `contract.ts` restricts roles and scopes to the app's own lists.

/** The roles of the engine, from least to most powerful. An app can add its own. Third-party clients have no role. */
export const engineRoles = ["user", "admin"] as const;

/**
 * How callers must have proved who they are. What is left out does not matter.
 * @see RFC 9470
 */
export interface Assurance {
  /** The longest time since they proved it, in seconds. */
  readonly maxAgeSeconds?: number;
  /** With how many factors. A passkey counts as two. */
  readonly factors?: 1 | 2;
  /** Whether it must be in a way that no other site can ask for: with a passkey. */
  readonly phishingResistant?: boolean;
}

/**
 * Access that asks for more than a sign-in: calls can be refused with `REAUTHENTICATION_REQUIRED`.
 * @internal
 */
export interface Assured {
  readonly assurance: Assurance;
}

/** Access without signing in. Tokens are ignored. */
export interface Anyone {
  readonly kind: "anyone";
}

/** Access for first-party clients only. Third-party clients are refused, whatever their scopes. */
export interface FirstParty<R extends string = string> {
  readonly kind: "firstParty";
  /** The lowest role that may call. Absent: any signed-in user. */
  readonly role?: R;
  /** Absent: any sign-in. */
  readonly assurance?: Assurance;
}

/** Access for first-party clients, and for third-party clients that were granted all of `scopes`. */
export interface Scoped<S extends string = string> {
  readonly kind: "scoped";
  readonly scopes: readonly [S, ...S[]];
  /** Absent: any sign-in. */
  readonly assurance?: Assurance;
}

/** `FirstParty` that asks for more than a sign-in. */
export interface AssuredFirstParty<R extends string = string> extends FirstParty<R>, Assured {
  readonly assurance: Assurance;
}

/** `Scoped` that asks for more than a sign-in. */
export interface AssuredScoped<S extends string = string> extends Scoped<S>, Assured {
  readonly assurance: Assurance;
}

/** Who may call an operation. Declared with `anyone`, `firstParty` or `scoped`. */
export type Access = Anyone | FirstParty | Scoped;

/** Limits without any assurance. `never`, so that a variable with more properties is not one of these. */
type RoleOnly<R extends string> = { readonly role?: R } & { readonly [K in keyof Assurance]?: never };

/** Declares access for first-party clients only, of one contract's roles `R`. */
export interface DeclareFirstParty<R extends string> {
  (limits?: RoleOnly<R>): FirstParty<R>;
  (limits: Assurance & { readonly role?: R }): AssuredFirstParty<R>;
}

/** Declares access for all clients, of one contract's scopes `S`. */
export interface DeclareScoped<S extends string> {
  <T extends S>(...needed: readonly [T, ...T[]]): Scoped<T>;
  <T extends S>(assurance: Assurance, ...needed: readonly [T, ...T[]]): AssuredScoped<T>;
}

/** Declares access without signing in. */
export const anyone: Anyone = { kind: "anyone" };

/** Declares access for first-party clients only, within `limits`: a role, and how the user proved who they are. */
export const firstParty = (({ role, ...assurance }: Assurance & { readonly role?: string } = {}): FirstParty => ({
  kind: "firstParty",
  ...(role !== undefined && { role }),
  ...(Object.keys(assurance).length > 0 && { assurance }),
})) as DeclareFirstParty<string>; // each overload is one of its cases

/**
 * Declares access for first-party clients, and for third-party clients with all of the scopes `needed`. A first argument
 * that is no scope says how the user proved who they are: `scoped({ factors: 2 }, "notes:write")`.
 */
export const scoped = ((first: Assurance | string, ...more: string[]): Scoped => {
  const assurance = typeof first === "string" ? null : first;
  const scopes = (assurance === null ? [first, ...more] : more) as [string, ...string[]]; // as its type asks for
  return { kind: "scoped", scopes, ...(assurance && { assurance }) };
}) as DeclareScoped<string>; // each overload is one of its cases
