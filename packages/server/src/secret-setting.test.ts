import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PreviousSecrets, Secret } from "./secret-setting.ts";

const accepts = (text: string) => Secret.safeParse(text).success;

describe("[S98] a secret", () => {
  it("may be the output of a generator in any common encoding", () => {
    for (let count = 0; count < 500; count++) {
      for (const [bytes, encoding] of [
        [32, "base64"],
        [32, "base64url"],
        [16, "hex"],
        [24, "base64"],
        [32, "hex"],
      ] as const)
        expect(accepts(randomBytes(bytes).toString(encoding))).toBe(true);
    }
  });

  it.each([
    "a".repeat(32),
    "a".repeat(1000),
    "ab".repeat(40),
    "changeme".repeat(5),
    "0123456789abcdef".repeat(4),
    "0123456789abcdef0123456789abcdef",
    "abcdefghijklmnopqrstuvwxyz0123456789",
    "zyxwvutsrqponmlkjihgfedcba9876543210",
    "secret-secret-secret-secret-secret-secret",
    "                                ",
    "short",
    "",
  ])("must not be %j", (text) => {
    expect(accepts(text)).toBe(false);
  });

  it("must not be a short text repeated", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[ -~]{1,12}$/), fc.integer({ min: 8, max: 100 }), (text, times) => {
        expect(accepts(text.repeat(times).slice(0, 400))).toBe(false);
      }),
    );
  });
});

describe("[S98] previous secrets", () => {
  const [one, other] = [randomBytes(32).toString("base64"), randomBytes(32).toString("base64")];

  it("follow the same rules, separated by commas or spaces", () => {
    expect(PreviousSecrets.parse(`${one}, ${other}`)).toEqual([one, other]);
    expect(PreviousSecrets.safeParse(`${one},a`).success).toBe(false);
    expect(PreviousSecrets.safeParse("a".repeat(32)).success).toBe(false);
  });
});
