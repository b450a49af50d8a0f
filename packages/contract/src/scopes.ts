// Owns the list of scopes: what a person can allow an application of somebody else to do.
// Each is worded for the consent page, where it completes "… wants to".

export const scopes = {
  "profile:read": "See your name, username and e-mail address",
  "profile:write": "Change your name",
  "greeting:read": "Be greeted on your behalf",
} as const satisfies Record<string, string>;

/** A permission that a person can grant to a third party. @see RFC 6749 §3.3 */
export type Scope = keyof typeof scopes;

export const scopeNames = Object.keys(scopes) as readonly Scope[];

/**
 * What OpenID Connect lets an application ask for besides, worded likewise.
 * @see OpenID Connect Core §3.1.2.1, §5.4, §11
 */
export const identityScopes = {
  openid: "Know that it is you",
  profile: "See your name and username",
  email: "See your e-mail address",
  offline_access: "Stay connected while you are away",
} as const satisfies Record<string, string>;

export type IdentityScope = keyof typeof identityScopes;

/** Everything that an application can ask a person for, with the words for it. */
export const grantableScopes: Readonly<Record<Scope | IdentityScope, string>> = { ...identityScopes, ...scopes };

export type GrantableScope = keyof typeof grantableScopes;

export const isGrantableScope = (value: string): value is GrantableScope => Object.hasOwn(grantableScopes, value);

export const isScope = (value: string): value is Scope => Object.hasOwn(scopes, value);
