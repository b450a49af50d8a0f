import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { displayNameFrom, PersonName } from "../src/names.ts";

const reversed = "\u202E";
const filler = "\u3164";
const stacked = `Z${"\u0301".repeat(99)}`;

describe("a name that is shown to people", () => {
  it.each([
    ["a right-to-left override", `John ${reversed}eoD`],
    ["a Hangul filler", filler],
    ["a filler between letters", `Jo${filler}hn`],
    ["a zero-width space", "Jo\u200Bhn"],
    ["a joiner between Latin letters", "Jo\u200Dhn"],
    ["a Braille blank", "\u2800"],
    ["a line separator", "John\u2028Doe"],
    ["NUL", "John\0"],
    ["half a surrogate pair", "John \uD800"],
    ["a tag character", "John\u{E0041}"],
    ["a private-use character", "John \uE000"],
    ["99 combining marks", stacked],
    ["a mark on no letter", "\u0301John"],
    ["nothing", "  "],
  ])("is refused with %s [S99]", (_, name) => {
    expect(PersonName.safeParse(name).success).toBe(false);
  });

  it.each(["John Doe", "Nguyễn Thị Ánh", "علی‌رضا", "שָׁלוֹם", "क्‍ष", "山田 太郎", "O’Neil-Smith, Jr.", "สมหญิง"])(
    "may be %s",
    (name) => {
      expect(PersonName.parse(name)).toBe(name.normalize("NFC"));
    },
  );

  it("is composed, trimmed, and has one plain space between words", () => {
    expect(PersonName.parse(" Zoe\u0308\u00A0 \u3000Doe ")).toBe("Zoë Doe");
  });

  it("can be derived from any text, or is absent [S99]", () => {
    expect(displayNameFrom(`John ${reversed}Doe\r\n`, 200)).toBe("John Doe");
    expect(displayNameFrom(filler, 200)).toBeNull();
    expect(displayNameFrom(stacked, 200)).toMatch(/^Ź\u0301{1,4}$/);
    expect(displayNameFrom("علی‌رضا", 200)).toBe("علی‌رضا");
    expect(displayNameFrom("\uE000", 200)).toBeNull();
    expect(displayNameFrom("x".repeat(500), 200)).toBe("x".repeat(200));
    const character = fc.oneof(
      fc.string({ unit: "binary", maxLength: 1 }),
      fc.constantFrom(reversed, filler, "\u0301", "\u200C", " ", "\uD800", "e", "ﷺ"),
    );
    fc.assert(
      fc.property(fc.array(character, { maxLength: 60 }), (characters) => {
        const name = displayNameFrom(characters.join(""), 20);
        if (name !== null) expect(PersonName.parse(name)).toBe(name);
      }),
      { numRuns: 2000 },
    );
  });
});
