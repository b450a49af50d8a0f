// Owns inputs that arrive as text, in a path or a query string: numbers, booleans and lists are read as the operation's
// input declares them. Text that is neither stays as it is, and the schema refuses it.

import { z } from "zod";

type Given = Readonly<Record<string, unknown>>;
type Read = (value: unknown) => unknown;

/** Returns a function that converts the text of each input to the type that OpenAPI gives it. */
export const readTextOf = (input: z.ZodType): ((given: Given) => Given) => {
  const { properties = {}, $defs = {} } = z.toJSONSchema(input, { io: "input", unrepresentable: "any" });
  const reads = new Map<string, Read>();
  for (const [name, schema] of Object.entries(properties)) {
    const read = readOf(schema, $defs);
    if (read) reads.set(name, read);
  }
  return (given) =>
    Object.fromEntries(Object.entries(given).map(([name, value]) => [name, reads.get(name)?.(value) ?? value]));
};

type Schema = z.core.JSONSchema._JSONSchema;

/** `null`: text stays text. */
const readOf = (schema: Schema, named: Readonly<Record<string, Schema>>): Read | null => {
  if (typeof schema === "boolean") return null;
  const { $ref, type, items } = schema;
  const target = $ref === undefined ? undefined : named[$ref.replace("#/$defs/", "")];
  if (target !== undefined) return readOf(target, named);
  // A nullable input has two types. A query string has no null.
  const types = [type].flat().filter((each) => each !== "null");
  if (types.length !== 1) return null;
  switch (types[0]) {
    case "boolean":
      return (value) => (value === "true" || value === "false" ? value === "true" : value);
    case "integer":
    case "number":
      return (value) => (typeof value === "string" && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value);
    case "array": {
      const read = items === undefined || Array.isArray(items) ? null : readOf(items, named);
      // `?tag=a` is a list of one.
      return (value) => (Array.isArray(value) ? value : [value]).map((item) => read?.(item) ?? item);
    }
    default:
      return null;
  }
};
