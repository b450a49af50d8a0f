// Owns the refusal of text that cannot be stored, the same on both engines. PostgreSQL refuses NUL, which SQLite
// stores, and both drivers would replace half of a surrogate pair.

import { isStorableText } from "@lockstep/kit";

/** A statement contained text that cannot be stored. Nothing was written. */
export class UnstorableTextError extends Error {
  override readonly name = "UnstorableTextError";
}

/**
 * Checks the parameters of a statement before it runs.
 * @throws UnstorableTextError
 */
export const assertStorable = (parameters: readonly unknown[]): void => {
  for (const each of parameters) {
    if (typeof each === "string" && !isStorableText(each))
      throw new UnstorableTextError("A parameter contains a NUL character or half of a surrogate pair");
  }
};
