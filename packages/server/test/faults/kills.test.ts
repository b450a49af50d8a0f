// The short version of `npm run bench -- faults --sqlite`.

import { expect, it } from "vitest";
import { runKills } from "./kills.ts";

it("[S118] [S119] keeps what it acknowledged and redeems nothing twice while processes on one SQLite file are killed", async () => {
  // A busy machine may take longer than the 5 s within which a server answers.
  const { report, problems } = await runKills({ kills: 4, answerLimitMs: 30_000 });
  expect(problems).toEqual([]);
  expect(report).toMatchObject({ faults: 4, crashes: 0, hangs: 0, halfTransactions: 0, doubleRedemptions: 0 });
  expect(report.acknowledged).toBeGreaterThan(0);
});
