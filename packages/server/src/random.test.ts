import { expect, it } from "vitest";
import { systemRandom } from "./random.ts";

it("returns as many bytes as asked for, across and beyond its blocks", () => {
  const random = systemRandom();
  for (const size of [16, 4090, 20, 4096, 0, 5000, 1]) expect(random(size)).toHaveLength(size);
});

it("never returns the same bytes twice, nor bytes that change afterwards", () => {
  const random = systemRandom();
  const given = Array.from({ length: 2000 }, () => random(16));
  const texts = given.map((bytes) => Buffer.from(bytes).toString("hex"));
  expect(new Set(texts).size).toBe(2000);
  random(4096);
  expect(given.map((bytes) => Buffer.from(bytes).toString("hex"))).toEqual(texts);
});
