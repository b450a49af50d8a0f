// Limits the type checker's work for a client of a large API. The count is the same on every machine. It changes with
// the compiler, zod, tRPC, and the types of `packages/kit`.

import { afterAll, expect, test } from "vitest";
import { writeTypeFixture } from "../src/type-fixture.ts";
import { check, measuredApi } from "../src/types.ts";

const fixture = writeTypeFixture(measuredApi);
afterAll(() => fixture.remove());

test("a client of a large contract takes less than half of the type instantiations of an inferred tRPC router", async () => {
  const ours = await check(fixture.contract);
  const inferred = await check(fixture.inferred);
  process.stdout.write(
    `Type instantiations: ${ours.instantiations}, of an inferred router ${inferred.instantiations}\n`,
  );
  expect(ours.instantiations).toBeLessThanOrEqual(0.47 * inferred.instantiations);
  expect(ours.instantiations).toBeLessThanOrEqual(302_000);
});
