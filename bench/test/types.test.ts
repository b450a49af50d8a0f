// What the type checker has to do for a client of a large API must not creep up. The count is the same on every
// machine; it changes with the compiler, zod or tRPC, and with the types of `packages/contract`.

import { afterAll, expect, test } from "vitest";
import { writeTypeFixture } from "../src/type-fixture.ts";
import { check, measuredApi } from "../src/types.ts";

const fixture = writeTypeFixture(measuredApi);
afterAll(() => fixture.remove());

test("a client of a large contract is checked with less than half of what an inferred tRPC router takes", async () => {
  const ours = await check(fixture.contract);
  const inferred = await check(fixture.inferred);
  process.stdout.write(
    `Type instantiations: ${ours.instantiations}, of an inferred router ${inferred.instantiations}\n`,
  );
  expect(ours.instantiations).toBeLessThanOrEqual(0.45 * inferred.instantiations);
  expect(ours.instantiations).toBeLessThanOrEqual(270_000);
});
