// Owns names that are shown to people: of persons and of clients. A name must not contain invisible characters, change
// the direction of text, or stack marks on a letter.

import { z } from "zod";

/** Control and format characters (including bidirectional ones), fillers, and unassigned code points. */
const invisible =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\u2800]/u;

/** A letter of a script that uses zero-width joiners (RFC 5892 Appendix A.1), with its marks. */
const joined = ["Arabic", "Bengali", "Devanagari", "Gujarati", "Kannada", "Malayalam", "Sinhala", "Tamil", "Telugu"]
  .map((script) => `\\p{Script=${script}}`)
  .join("");
const joiner = new RegExp(`(?<=[${joined}]\\p{M}*)[\\u200C\\u200D](?=[${joined}])`, "u");
const joinerOrInvisible = new RegExp(`(?<joiner>${joiner.source})|${invisible.source}`, "gu");

/** Removes invisible characters, except the joiners that a script needs. */
const visibleIn = (text: string) => text.replace(joinerOrInvisible, (_, kept?: string) => kept ?? "");

/** More marks on one letter than any script uses. @see UTS #39 §5.4 */
const stackedMarks = /\p{M}{5,}/u;
const markWithoutLetter = /(?:^|\s)\p{M}/u;

/** One form for names that look the same: composed (NFC), one space between words, none around them. */
const composed = (text: string) =>
  text
    .normalize("NFC")
    .replace(/\p{Zs}+/gu, " ")
    .trim();

/**
 * Schema of a name that is shown to people, of at most `maxLength` characters. Trims and composes it (NFC), and refuses
 * invisible and control characters.
 */
export const displayName = ({ maxLength, missing = "Enter a name" }: { maxLength: number; missing?: string }) =>
  z
    .string()
    .overwrite(composed)
    .min(1, { error: missing })
    .max(maxLength)
    .refine((text) => visibleIn(text) === text, { error: "Must not contain invisible or control characters" })
    .refine((text) => !stackedMarks.test(text) && !markWithoutLetter.test(text), {
      error: "Must not contain letters with that many marks",
    });

/** Schema of a person's name. */
export const PersonName = displayName({ maxLength: 200, missing: "Enter your name" });

/**
 * Removes from a text everything that a `displayName` must not contain. `null`: nothing remains. For names that users
 * cannot correct here, such as an identity provider's.
 * @internal
 */
export const displayNameFrom = (text: string, maxLength: number): string | null => {
  const lines = composed(text.slice(0, 10 * maxLength)).replace(/\s/gu, " ");
  const kept = visibleIn(lines)
    .replace(/(\p{M}{4})\p{M}+/gu, "$1")
    .replace(/(^|\s)\p{M}+/gu, "$1");
  const name = displayName({ maxLength }).safeParse(visibleIn(composed(kept).slice(0, maxLength)));
  return name.success ? name.data : null;
};
