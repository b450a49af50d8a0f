// Cuts PostgreSQL's connections, and kills processes on one SQLite file, under load. A test that does not depend on speed.

import { runCuts, runKills } from "@lockstep/server/fault-testing";
import type { Table } from "./report.ts";

const poolSizes = [1, 2, 10];

export interface FaultsOptions {
  /** How often connections are cut for each pool, and processes are killed. */
  readonly times: number;
  /** Divided among all runs. A run ends at the latest when its share is over. */
  readonly minutes: number;
  /** Skips PostgreSQL. */
  readonly sqliteOnly: boolean;
}

export const faults = async ({ times, minutes, sqliteOnly }: FaultsOptions): Promise<Table[]> => {
  const runs = [
    ...(sqliteOnly ? [] : poolSizes).map((poolSize) => ({
      title: `PostgreSQL's connections cut under load, pool of ${poolSize}`,
      names: ["cuts of all connections", "connections cut"],
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
        { name: "answers with UNAVAILABLE", values: [unavailable] },
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
