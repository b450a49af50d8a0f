import { expect, it } from "vitest";
import { isStorableText, plainText } from "../src/index.ts";

it.each(["\0", "a\0b", "\ud800", "a\udc00b", "\udc00\ud800"])(
  "plainText refuses %j, which PostgreSQL cannot store",
  (text) => {
    expect(isStorableText(text)).toBe(false);
    const { error } = plainText({ maxLength: 100 }).safeParse(text);
    expect(error?.issues.map(({ message }) => message)).toEqual(["Must be plain text"]);
  },
);

it.each(["", " a\n\tb ", "\u0001", "🦊", "e\u0301", "\ufffe"])("plainText keeps %j unchanged", (text) => {
  expect(plainText({ maxLength: 100 }).parse(text)).toBe(text);
});

it("plainText has a maximum length, in Unicode code points", () => {
  expect(plainText({ maxLength: 3 }).safeParse("abcd").success).toBe(false);
  expect(plainText({ maxLength: 3 }).safeParse("🦊🦊🦊").success).toBe(true);
  expect(plainText({ maxLength: 3 }).safeParse("🦊🦊🦊🦊").success).toBe(false);
});
