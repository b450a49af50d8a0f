// The short version of `npm run bench -- faults --sqlite`.

import { expect, inject, it } from "vitest";
import { runKills } from "./kills.ts";

it("[S118] [S119] keeps what it acknowledged and redeems nothing twice while processes on one SQLite file are killed", async () => {
  const { report, problems } = await runKills({ kills: 4, answerLimitMs: inject("patienceMs") });
  expect(problems).toEqual([]);
  expect(report).toMatchObject({ faults: 4, crashes: 0, hangs: 0, halfTransactions: 0, doubleRedemptions: 0 });
  expect(report.acknowledged).toBeGreaterThan(0);
});
