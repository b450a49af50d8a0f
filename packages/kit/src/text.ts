// Owns which text an operation accepts: text that both databases store and return unchanged.

import { z } from "zod";

/**
 * Whether a text can be stored. PostgreSQL refuses NUL in a text, and half of a surrogate pair cannot be encoded in
 * UTF-8. The server refuses every input that contains such a text, whatever its schema allows.
 * @internal
 */
export const isStorableText = (text: string): boolean => !text.includes("\0") && text.isWellFormed();

/**
 * Schema of a text of at most `maxLength` characters that both databases can store. Lines and spaces are kept.
 * Use it in place of `z.string()` for free text, such as a note. For a name that is shown to people use `displayName`.
 */
export const plainText = ({ maxLength }: { maxLength: number }) =>
  z.string().max(maxLength).refine(isStorableText, { error: notPlainText });

/**
 * The message for a text that cannot be stored.
 * @internal
 */
export const notPlainText = "Must be plain text";
