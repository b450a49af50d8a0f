// Owns the scopes that this server knows: the contract's, and those of OpenID Connect.

import { identityScopes, type Scopes as WordedScopes } from "@lockstep/kit";

export type Scopes = ReturnType<typeof createScopes>;

export const createScopes = (scopes: WordedScopes) => {
  const grantable: WordedScopes = { ...identityScopes, ...scopes };
  const isGrantable = (name: string) => Object.hasOwn(grantable, name);
  return {
    /** Names of the contract's scopes, in the contract's order. */
    names: Object.keys(scopes),
    /** The names of all scopes that a user can grant. */
    grantableNames: Object.keys(grantable),
    /** The contract's scopes with their texts. */
    words: scopes,
    /** Whether `name` is a scope of the contract. */
    has: (name: string) => Object.hasOwn(scopes, name),
    isGrantable,

    /** The grantable scopes in this text; others are ignored. */
    grantableIn: (scope: unknown): string[] => (typeof scope === "string" ? scope.split(" ").filter(isGrantable) : []),

    /** Scopes with their texts, in the contract's order. */
    worded: (names: ReadonlySet<string>) =>
      Object.entries(grantable).flatMap(([name, words]) => (names.has(name) ? [{ name, words }] : [])),
  };
};
