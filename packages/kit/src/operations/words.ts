// Owns the words in which the engine's operations are declared, and the errors that many of them share.

import { engineRoles } from "../access.ts";
import { vocabulary } from "../contract.ts";
import { engineErrors } from "../errors.ts";
import { engineScopes } from "../scopes.ts";

export const words = { scopes: engineScopes, roles: engineRoles, errors: engineErrors };
export const { query, mutation, subscription, anyone, firstParty, scoped } = vocabulary(words);

/** Errors of operations that set cookies. */
export const fromPages = ["CREDENTIALS_IN_BATCH", "FOREIGN_ORIGIN"] as const;

/** The errors of operations that strangers call, and programs try again and again. */
export const admission = ["NOT_ADMITTED", "CHALLENGE_REQUIRED"] as const;
