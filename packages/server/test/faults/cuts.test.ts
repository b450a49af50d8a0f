// The short version of `npm run bench -- faults`.

import { expect, inject, it } from "vitest";
import { runCuts } from "./cuts.ts";

it.each([1, 2, 10])(
  "[S118] [S119] keeps what it acknowledged and redeems nothing twice while connections are cut, with a pool of %i",
  async (poolSize) => {
    const { report, problems } = await runCuts({ poolSize, cuts: 10, answerLimitMs: inject("patienceMs") });
    expect(problems).toEqual([]);
    expect(report).toMatchObject({ faults: 10, crashes: 0, hangs: 0, halfTransactions: 0, doubleRedemptions: 0 });
    expect(report.acknowledged).toBeGreaterThan(0);
    expect(report.hit).toBeGreaterThan(0);
  },
);
