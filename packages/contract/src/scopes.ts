// Owns the list of scopes: what a person can allow an application of somebody else to do.
// Each is worded for the consent page, where it completes "… wants to".

export const scopes = {
  "profile:read": "See your name, username and e-mail address",
  "profile:write": "Change your name and e-mail address",
  "greeting:read": "Be greeted on your behalf",
} as const satisfies Record<string, string>;

/** A permission that a person can grant to a third party. @see RFC 6749 §3.3 */
export type Scope = keyof typeof scopes;

export const scopeNames = Object.keys(scopes) as readonly Scope[];

export const isScope = (value: string): value is Scope => Object.hasOwn(scopes, value);
