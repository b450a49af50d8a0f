// Owns scopes: what a user can grant to a third-party client. The consent page shows their texts in a list. An app adds
// its own in its contract.

/** Scopes by name, each with its text for the consent page. */
export type Scopes = Readonly<Record<string, string>>;

/** The scopes of the engine's operations. `composeContract` includes them. */
export const engineScopes = {
  "profile:read": "See your name, username and e-mail address",
  "profile:write": "Change your name",
} as const satisfies Scopes;

/**
 * The scopes of OpenID Connect that a client can also request, with their text.
 * @see OpenID Connect Core §3.1.2.1, §5.4, §11
 * @internal
 */
export const identityScopes = {
  openid: "Know that it is you",
  profile: "See your name and username",
  email: "See your e-mail address",
  offline_access: "Stay connected while you are away",
} as const satisfies Scopes;

/**
 * A name that OAuth can carry: no space, quote or backslash.
 * @see RFC 6749 §3.3
 * @internal
 */
export const scopeNamePattern = /^[\x21\x23-\x5b\x5d-\x7e]+$/;
