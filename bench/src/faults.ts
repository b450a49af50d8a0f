// PostgreSQL's connections cut under load, with pools of 1, 2 and 10: a test of what must hold, whatever the speed.

import { runCuts } from "@lockstep/server/fault-testing";
import type { Table } from "./report.ts";

const poolSizes = [1, 2, 10];

/** Cuts `cuts` times with each pool, or for a third of `minutes`, whichever ends first. */
export const faults = async ({ cuts, minutes }: { cuts: number; minutes: number }): Promise<Table[]> => {
  const tables: Table[] = [];
  for (const poolSize of poolSizes) {
    const { report, problems } = await runCuts({ poolSize, cuts, minutes: minutes / poolSizes.length });
    for (const problem of problems) process.stderr.write(`${problem}\n`);
    const { cuts: cutTimes, connectionsCut, acknowledged, unavailable, ...mustBeNone } = report;
    const seen = {
      "times that all connections were cut": cutTimes,
      "connections cut": connectionsCut,
      "writes acknowledged": acknowledged,
      "answers that the database is unavailable": unavailable,
    };
    tables.push({
      title: `PostgreSQL's connections cut under load, pool of ${poolSize}`,
      figures: [
        ...Object.entries(seen).map(([name, value]) => ({ name, values: [value] })),
        ...Object.entries(mustBeNone).map(([name, value]) => ({
          name: name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`),
          values: [value],
          target: "≤ 0" as const,
        })),
      ],
    });
  }
  return tables;
};
