// Owns the search for texts that cannot be stored in the input of an operation, whatever its schema says. Both engines
// then answer the same. What cannot be stored: `isStorableText` of the contract.

import { isStorableText } from "@lockstep/kit";

/** Where it was found: the names and indexes that lead there. */
type Path = (string | number)[];

/** A value still to be looked at. Its path is read only when something is found in it. */
interface Place {
  readonly value: unknown;
  readonly name: string | number;
  readonly parent: Place | null;
}

/**
 * The path to a text or a property name that cannot be stored. `null`: there is none. Without recursion, since input may be
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

/** A schema may make a `Map` or a `Set` of what came. */
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
