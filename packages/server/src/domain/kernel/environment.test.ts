import { describe, expect, it } from "vitest";
import { randomId } from "./environment.ts";

describe("an identifier", () => {
  it("never starts with a dash, so that commands do not read it as an option", () => {
    // base64url turns 0xf8 into a leading dash.
    const draws = [0xf8, 0xfb, 0x00].map((first) => new Uint8Array(16).fill(first, 0, 1));
    expect(randomId(() => draws.shift() as Uint8Array<ArrayBuffer>)).toBe("A".repeat(22));
    expect(draws).toEqual([]);
  });
});
