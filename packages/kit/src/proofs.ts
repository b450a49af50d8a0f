// Owns the shapes of proofs: single-use codes and links that are sent by mail, and show that an address is the user's.

import { z } from "zod";

/**
 * The letters of codes: no vowels, which would spell words, no digits, and no two that look alike (RFC 8628 §6.1).
 * @internal
 */
export const proofCodeLetters = "BCDFGHJKLMNPQRSTVWXZ";

/**
 * The number of letters of a code: 34 bits.
 * @internal
 */
export const proofCodeLength = 8;

/**
 * What is left of a typed code: letters in upper case, without the spaces, dashes and dots that people paste.
 * @internal
 */
export const codeLetters = (typed: string) =>
  typed
    .normalize("NFKC")
    .replace(/[^\p{L}\p{N}]/gu, "")
    .toUpperCase();

/** Schema of the code of a proof, as people type or paste it: `BCDF-GHJK`, `bcdf ghjk`. */
export const ProofCode = z
  .string()
  .max(100)
  .overwrite(codeLetters)
  .regex(new RegExp(`^[${proofCodeLetters}]{${proofCodeLength}}$`), {
    error: `Enter the ${proofCodeLength} letters of the code`,
  });

/** What a proof is for. */
export const ProofPurpose = z.enum(["sign_up", "sign_in", "recovery", "email_change", "email_undo", "deletion_cancel"]);
export type ProofPurpose = z.infer<typeof ProofPurpose>;

/** Why a proof is refused. After any other reason than `wrong_code`, the user has to start again. */
export const ProofRefusalReason = z.enum([
  "wrong_code",
  "too_many_tries",
  "expired",
  "used",
  /** A later request replaced it. */
  "cancelled",
  /** Another browser asked for it. */
  "other_browser",
]);
export type ProofRefusalReason = z.infer<typeof ProofRefusalReason>;

/** The proof of a link in a mail, as `account.readProof` answers it. */
export const ProofView = z.object({
  purpose: ProofPurpose,
  /** The address that it proves. */
  email: z.string(),
  /** `null`: it has none, only a link. */
  code: z.string().nullable(),
  /** In the browser that asked for it: its ID. `null` in every other browser, where the code is shown for typing. */
  proofId: z.string().nullable(),
  /** Epoch milliseconds. */
  expiresAt: z.int(),
  /** When the account is deleted, which this cancels: epoch milliseconds. `null`: it is for something else. */
  deletesAt: z.int().nullable(),
});
export type ProofView = z.infer<typeof ProofView>;
