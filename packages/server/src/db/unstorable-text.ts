// Owns the refusal of texts that cannot be stored, the same on both engines. PostgreSQL refuses NUL where SQLite keeps
// it, and both drivers would store half of a surrogate pair as another character.

import { isStorableText } from "@lockstep/kit";

/** A statement had a text in it that cannot be stored. Nothing was written. */
export class UnstorableTextError extends Error {
  override readonly name = "UnstorableTextError";
}

/**
 * Checks the parameters of a statement, before it runs.
 * @throws UnstorableTextError
 */
export const assertStorable = (parameters: readonly unknown[]): void => {
  for (const each of parameters) {
    if (typeof each === "string" && !isStorableText(each))
      throw new UnstorableTextError("A parameter of a statement contains a NUL character or half of a surrogate pair");
  }
};
