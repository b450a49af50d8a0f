// Owns the shapes of signing in with identity providers: the configured providers, a user's identities, and the reasons
// why a sign-in fails.

import { z } from "zod";

/** An identity provider that this server is configured for. */
export const Provider = z.object({
  /** Its name in URLs: `/login/google`. */
  name: z.string(),
  /** Its name for people. */
  label: z.string(),
  /** Whether it can be asked for a fresh sign-in. Otherwise a sign-in with it never counts as fresh (RFC 9470). */
  canReauthenticate: z.boolean(),
});
export type Provider = z.infer<typeof Provider>;

/** A user's account at an identity provider, linked to the account here. */
export const Identity = z.object({
  id: z.string(),
  provider: Provider,
  /** The account's e-mail address when it was last used, so that the user can recognise it. */
  email: z.string().nullable(),
  /** Epoch milliseconds. */
  linkedAt: z.int(),
  /** The last sign-in with it: epoch milliseconds. */
  lastUsedAt: z.int().nullable(),
});
export type Identity = z.infer<typeof Identity>;

/** Why a sign-in with an identity provider, or linking it, failed: `problem` in the URL that the browser returns to. */
export const LoginProblem = z.enum([
  /** The person cancelled at the identity provider. */
  "cancelled",
  /** The identity provider refused, for a reason of its own or because of its configuration. */
  "refused",
  /** It did not answer in time, or not correctly. */
  "unavailable",
  /** Its response is invalid: from another identity provider, for another client, or for another sign-in. */
  "untrusted",
  /** It took too long, was used before, or began in another browser. */
  "expired",
  "unknown_provider",
  /** An account here has this e-mail address. Its owner can sign in to it and link the identity. */
  "account_exists",
  /** No account is created, or not for this person. */
  "no_account",
  /** Accounts are created for verified e-mail addresses of some domains, and this one is not verified. */
  "email_unverified",
  "disabled",
  /** The app refuses it (`hooks.admit`). */
  "not_admitted",
  /** Linking: the identity belongs to another account here. */
  "identity_taken",
  /** Linking: the session that requested it has ended, or belongs to another browser. */
  "session_ended",
]);
export type LoginProblem = z.infer<typeof LoginProblem>;
