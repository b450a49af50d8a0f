import { expect, it } from "vitest";
import { z } from "zod";
import { readTextOf } from "./text-input.ts";

const input = z.object({
  text: z.string(),
  count: z.int().min(1).default(50),
  coerced: z.coerce.number<number>().int(),
  ratio: z.number().nullable().optional(),
  done: z.boolean().optional(),
  tags: z.array(z.string()).optional(),
  years: z.array(z.int().meta({ id: "YearOfTextInput" })),
  either: z.union([z.string(), z.number()]),
});

const read = (query: string) => {
  const given: Record<string, string | string[]> = {};
  for (const [name, value] of new URLSearchParams(query))
    given[name] = name in given ? [given[name] ?? "", value].flat() : value;
  return readTextOf(input)(given);
};

it.each<[string, object]>([
  ["text=12", { text: "12" }],
  ["count=12", { count: 12 }],
  ["coerced=12", { coerced: 12 }],
  ["count=-1", { count: -1 }],
  ["ratio=0.25", { ratio: 0.25 }],
  ["done=true", { done: true }],
  ["done=false", { done: false }],
  ["tags=a", { tags: ["a"] }],
  ["tags=a&tags=b", { tags: ["a", "b"] }],
  ["years=2024&years=2025", { years: [2024, 2025] }],
  ["either=12", { either: "12" }],
  ["unknown=12", { unknown: "12" }],
])("reads %s as the declared type", (query, expected) => {
  expect(read(query)).toEqual(expected);
});

it.each([
  "count=",
  "count=all",
  "count=0x10",
  "count=1e3",
  "count=Infinity",
  "ratio=null",
  "done=1",
  "done=",
  "years=x",
])("leaves %s to the schema, which refuses it", (query) => {
  const name = query.split("=")[0] as keyof typeof input.shape;
  expect(input.shape[name].safeParse(read(query)[name]).success).toBe(false);
});

it("accepts an operation without input", () => {
  expect(readTextOf(z.void())({ utm_source: "mail" })).toEqual({ utm_source: "mail" });
});
