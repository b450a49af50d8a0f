import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { linesOf } from "./lines.ts";

const read = async (chunks: readonly string[], maxBytes = 8) => {
  const lines: [number, string | null][] = [];
  const bytes = (async function* () {
    for (const chunk of chunks) yield Buffer.from(chunk);
  })();
  for await (const line of linesOf(bytes, maxBytes)) {
    lines.push([line.number, line.bytes && Buffer.from(line.bytes).toString()]);
  }
  return lines;
};

describe("lines", () => {
  it("are separated by newlines, however the stream is cut", async () => {
    expect(await read(["a\nbc\n\nd"])).toEqual([
      [1, "a"],
      [2, "bc"],
      [3, ""],
      [4, "d"],
    ]);
    expect(await read([])).toEqual([]);
    expect(await read(["\n"])).toEqual([[1, ""]]);
  });

  it("that are too long are reported, and the next one is read", async () => {
    expect(await read(["12345678\n123456789\n1\n", "1234", "56789", "0".repeat(1000)])).toEqual([
      [1, "12345678"],
      [2, null],
      [3, "1"],
      [4, null],
    ]);
  });

  it("are the same wherever the stream is cut", async () => {
    const text = fc.string({ unit: fc.constantFrom("a", "\n", "0123456789") });
    await fc.assert(
      fc.asyncProperty(fc.array(text), async (chunks) => {
        const whole = chunks.join("");
        const expected = whole.split("\n").map((line, index) => [index + 1, line.length > 8 ? null : line]);
        if (expected.at(-1)?.[1] === "") expected.pop();
        expect(await read(chunks)).toEqual(expected);
      }),
    );
  });
});
