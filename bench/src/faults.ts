// PostgreSQL's connections cut, and processes on one SQLite file killed, under load: a test of what must hold, whatever the
// speed.

import { runCuts, runKills } from "@lockstep/server/fault-testing";
import type { Table } from "./report.ts";

const poolSizes = [1, 2, 10];

export interface FaultsOptions {
  /** How often connections are cut with each pool, and processes are killed. */
  readonly times: number;
  /** Shared by all runs; each ends when its part is over, if not before. */
  readonly minutes: number;
  /** Leaves PostgreSQL out. */
  readonly sqliteOnly: boolean;
}

export const faults = async ({ times, minutes, sqliteOnly }: FaultsOptions): Promise<Table[]> => {
  const runs = [
    ...(sqliteOnly ? [] : poolSizes).map((poolSize) => ({
      title: `PostgreSQL's connections cut under load, pool of ${poolSize}`,
      names: ["times that all connections were cut", "connections cut"],
      run: (minutes: number) => runCuts({ poolSize, cuts: times, minutes }),
    })),
    {
      title: "The server and another writer killed under load, on SQLite",
      names: ["processes killed"],
      run: (minutes: number) => runKills({ kills: times, minutes }),
    },
  ];
  const tables: Table[] = [];
  for (const { title, names, run } of runs) {
    const { report, problems } = await run(minutes / runs.length);
    for (const problem of problems) process.stderr.write(`${problem}\n`);
    const { faults, hit, acknowledged, unavailable, ...mustBeNone } = report;
    tables.push({
      title,
      figures: [
        ...names.map((name, n) => ({ name, values: [n === 0 ? faults : hit] })),
        { name: "writes acknowledged", values: [acknowledged] },
        { name: "answers that the database is unavailable", values: [unavailable] },
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
