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

/** The longest username that is made from a name. It leaves room for an ending. */
const longestMadeUsername = 40;

/**
 * A username made of a name: Ada Lovelace becomes `ada.lovelace`. `null`: the name has none of a username's characters.
 * @internal
 */
export const usernameFrom = (name: string): string | null => {
  const plain = name
    .trim()
    .normalize("NFKD")
    .toLowerCase()
    .replace(/\s+/g, ".")
    .replace(/[^a-z0-9._-]/g, "")
    .replace(/^[._-]+/, "")
    .slice(0, longestMadeUsername);
  return Username.safeParse(plain).data ?? null;
};

/** Every runtime has it. This package is compiled without the types of any. */
declare const URL: new (address: string) => { readonly hostname: string };

/** Letters, digits, dots and dashes, not all of them ASCII. `URL` would read other characters as a port or a path. */
const internationalDomain = /^(?=.*[^\0-\x7f])[a-z\d.\u0080-\u{10ffff}-]+$/iu;

/** A domain in the form that DNS and mail servers use, such as `xn--bcher-kva.example`. */
const asciiDomain = (domain: string): string => {
  if (!internationalDomain.test(domain)) return domain;
  try {
    return new URL(`http://${domain}`).hostname;
  } catch {
    return domain;
  }
};

/** Trimmed, with the domain in ASCII. Letters before the `@` stay as they are. */
const wireAddress = (typed: string): string => {
  const address = typed.trim();
  const at = address.lastIndexOf("@");
  return at < 0 ? address : `${address.slice(0, at)}@${asciiDomain(address.slice(at + 1))}`;
};

/** What mail servers everywhere accept: no quotes, no dots in a row, at most 64 characters before the `@` (RFC 5321 §4.5.3.1). */
const addressPattern =
  /^(?!\.|[^@]*\.[.@])[\w!#$%&'*+/=?^`{|}~.-]{1,64}@(?:[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?\.)+(?:[a-z]{2,63}|xn--[a-z\d-]{1,59})$/i;

/**
 * Schema of an e-mail address, in lower case. The domain may have letters of any script and is converted to its ASCII
 * form; before the `@`, only ASCII is accepted, since many mail servers deliver nothing else.
 */
export const EmailAddress = z
  .string()
  .transform(wireAddress)
  .pipe(z.email({ error: "Must be an e-mail address", pattern: addressPattern }).max(254))
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
    emailVerified: z
      .boolean()
      .meta({ description: "Whether the user has proved that the e-mail address is theirs", examples: [true] }),
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
