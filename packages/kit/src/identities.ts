// Owns the shapes of signing in through an outside provider: which there are, which accounts of theirs are linked,
// and what can go wrong on the way there and back.

import { z } from "zod";

/** An identity provider that this server is configured for. */
export const Provider = z.object({
  /** Its name in addresses: `/login/google`. */
  name: z.string(),
  /** Its name for people. */
  label: z.string(),
  /** Whether it can make people sign in again. Otherwise a sign-in through it is never fresh (RFC 9470). */
  canReauthenticate: z.boolean(),
});
export type Provider = z.infer<typeof Provider>;

/** A user's account at an identity provider, linked to the account here. */
export const Identity = z.object({
  id: z.string(),
  provider: Provider,
  /** What the provider said of the account when it was last used, to recognise it by. */
  email: z.string().nullable(),
  /** Epoch milliseconds. */
  linkedAt: z.int(),
  /** The last sign-in with it: epoch milliseconds. */
  lastUsedAt: z.int().nullable(),
});
export type Identity = z.infer<typeof Identity>;

/** Why a sign-in with an identity provider, or linking it, failed: `problem` in the URL that the browser returns to. */
export const LoginProblem = z.enum([
  /** The person said no at the provider. */
  "cancelled",
  /** The provider refused, for a reason of its own or of how it is set up. */
  "refused",
  /** It did not answer, not in time, or not as one that works. */
  "unavailable",
  /** What came back does not hold: not from this provider, not for us, not for this sign-in. */
  "untrusted",
  /** It took too long, was used before, or began in another browser. */
  "expired",
  "unknown_provider",
  /** An account here has this e-mail address: its owner signs in to it, and links. */
  "account_exists",
  /** Accounts are not made here, or not for this person. */
  "no_account",
  /** Accounts are made for verified e-mail addresses of some domains, and this one is not verified. */
  "email_unverified",
  "disabled",
  /** Linking: this account of the provider opens another account here. */
  "identity_taken",
  /** Linking: the session that asked for it has ended, or is not this browser's. */
  "session_ended",
]);
export type LoginProblem = z.infer<typeof LoginProblem>;
