// Owns the shapes of a user, and the rules for usernames, e-mail addresses and passwords.

import { z } from "zod";
import { PersonName } from "./names.ts";
import { isStorableText, notPlainText } from "./text.ts";

/** Schema of a username: letters, digits, dots, dashes and underscores, in lower case. */
export const Username = z
  .string()
  .trim()
  .toLowerCase()
  .regex(/^[a-z0-9][a-z0-9._-]*$/, { error: "Use letters, digits, dots, dashes and underscores" })
  .max(64);

/** Schema of an e-mail address, in lower case. */
export const EmailAddress = z
  .email({ error: "Must be an e-mail address" })
  .max(254)
  .transform((address) => address.toLowerCase());

/**
 * The length that a new password must have when it is the only factor.
 * @see NIST SP 800-63B-4 §3.1.1.2
 * @internal
 */
export const passwordLength = { min: 15, max: 1024 } as const;

/** Schema of a password that is typed to sign in. Nothing is trimmed, cut or composed. */
export const Password = z
  .string()
  .min(1, { error: "Enter your password" })
  .max(passwordLength.max)
  // In UTF-8 every half of a surrogate pair is the same character, so different passwords would be equal.
  .refine(isStorableText, { error: notPlainText });

/** A user, as `user.me` answers it. */
export const User = z
  .object({
    id: z.string().meta({ examples: ["KDUNzZfGYC8kmDCIh9gXbQ"] }),
    username: z.string().meta({ examples: ["john"] }),
    email: z
      .string()
      .nullable()
      .meta({ examples: ["john@example.com"] }),
    fullName: z.string().meta({ examples: ["John Doe"] }),
    role: z.string().meta({ description: "One of the contract's roles", examples: ["user"] }),
    disabled: z.boolean().meta({ description: "Whether the account is kept from signing in" }),
    createdAt: z.int().meta({ description: "Epoch milliseconds", examples: [1_795_441_415_893] }),
  })
  .meta({ id: "User", description: "A person with an account" });
export type User = z.infer<typeof User>;

/** The input of `user.update`. */
export const UpdateUserInput = z.object({ fullName: PersonName });
export type UpdateUserInput = z.infer<typeof UpdateUserInput>;

/** The input of `account.changeEmail`. `null` removes the address: only the username can be used to sign in. */
export const ChangeEmailInput = z.object({ email: EmailAddress.nullable() });
export type ChangeEmailInput = z.infer<typeof ChangeEmailInput>;
