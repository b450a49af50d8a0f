// Owns the search for text in an operation's input that cannot be stored, whatever its schema says, so that both
// database engines give the same answer. What cannot be stored: the contract's `isStorableText`.

import { isStorableText } from "@lockstep/kit";

/** The property names and indexes that lead to the text. */
type Path = (string | number)[];

/** A value to check. Its path is built only when something is found in it. */
interface Place {
  readonly value: unknown;
  readonly name: string | number;
  readonly parent: Place | null;
}

/**
 * The path to a text or property name that cannot be stored. `null`: there is none. Not recursive, since input may be
 * nested as deep as a body has brackets.
 */
export const unstorableTextIn = (input: unknown): Path | null => {
  if (typeof input !== "object" || input === null) return isStorable(input) ? null : [];
  const places: Place[] = [{ value: input, name: "", parent: null }];
  const seen = new Set<object>();
  for (let place = places.pop(); place; place = places.pop()) {
    const { value } = place;
    if (!isStorable(value)) return pathOf(place);
    if (typeof value !== "object" || value === null || ArrayBuffer.isView(value) || seen.has(value)) continue;
    seen.add(value);
    for (const [name, child] of entriesOf(value)) {
      const next = { value: child, name, parent: place };
      if (!isStorable(name)) return pathOf(next);
      places.push(next);
    }
  }
  return null;
};

const isStorable = (value: unknown): boolean => typeof value !== "string" || isStorableText(value);

/** A schema may turn input into a `Map` or a `Set`. */
const entriesOf = (value: object): Iterable<[name: string | number, child: unknown]> =>
  Array.isArray(value)
    ? value.entries()
    : value instanceof Map || value instanceof Set
      ? Array.from<unknown>(value).entries()
      : Object.entries(value);

const pathOf = (found: Place): Path => {
  const path: Path = [];
  for (let place = found; place.parent; place = place.parent) path.push(place.name);
  return path.reverse();
};
