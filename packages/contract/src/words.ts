// The words that this app's operations are declared with: what users can allow a client, what users are, and what can
// go wrong. Add yours; the compiler then names the places that have to know them.

import { type Errors, engineErrors, engineRoles, engineScopes, type Scopes } from "@lockstep/kit";

/** Each scope with its words for the consent page, where they complete "… wants to". */
export const scopes = {
  ...engineScopes,
  "greeting:read": "Be greeted on your behalf",
} as const satisfies Scopes;

/** What a user is here, the least first. */
export const roles = engineRoles;

export const errors = {
  ...engineErrors,
} as const satisfies Errors;
