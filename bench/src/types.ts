// The type checker's work for a client file that uses 20 of 500 operations: of a Lockstep contract, and of the same API as an
// inferred tRPC router.

import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { pace } from "./pace.ts";
import { ratios, type Table } from "./report.ts";
import { writeTypeFixture } from "./type-fixture.ts";

/** The size of the compared API. */
export const measuredApi = { operations: 500, used: 20 };

export interface Checked {
  /** The same on every machine with the same sources and compiler. */
  readonly instantiations: number;
  readonly seconds: number;
}

const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");

/**
 * Checks the program in a folder.
 * @throws Error when it does not compile
 */
export const check = async (folder: string): Promise<Checked> => {
  // Several checkers would each instantiate the types that they share.
  const args = ["-p", folder, "--extendedDiagnostics", "--checkers", "1"];
  const { stdout } = await promisify(execFile)(process.execPath, [tsc, ...args]);
  const [, instantiations] = /^Instantiations:\s+(\d+)/m.exec(stdout) ?? [];
  const [, seconds] = /^Check time:\s+([\d.]+)s/m.exec(stdout) ?? [];
  return { instantiations: Number(instantiations), seconds: Number(seconds) };
};

export const types = async (): Promise<Table[]> => {
  const fixture = writeTypeFixture(measuredApi);
  const [ours, inferred]: [Checked[], Checked[]] = [[], []];
  try {
    for (let round = 0; round < pace.rounds; round++) {
      ours.push(await check(fixture.contract));
      inferred.push(await check(fixture.inferred));
    }
  } finally {
    fixture.remove();
  }
  const [counts, seconds] = (["instantiations", "seconds"] as const).map((what) => ({
    ours: ours.map((checked) => checked[what]),
    inferred: inferred.map((checked) => checked[what]),
  })) as [Record<"ours" | "inferred", number[]>, Record<"ours" | "inferred", number[]>];
  return [
    {
      title: `Type check of a client that uses ${measuredApi.used} of ${measuredApi.operations} operations`,
      figures: [
        { name: "instantiations, the contract's router", values: counts.ours },
        { name: "instantiations, an inferred tRPC router", values: counts.inferred },
        { name: "instantiations, ratio", values: ratios(counts.ours, counts.inferred), digits: 2, target: "≤ 0.5" },
        { name: "check time, the contract's router, s", values: seconds.ours, digits: 2 },
        { name: "check time, an inferred tRPC router, s", values: seconds.inferred, digits: 2 },
        { name: "check time, ratio", values: ratios(seconds.ours, seconds.inferred), digits: 2 },
      ],
    },
  ];
};
