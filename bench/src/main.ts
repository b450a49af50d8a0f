// `npm run bench`: what this server costs beside what its parts alone cost and beside its peers, in one run on one machine.
// All parts together are written to `results`. `README.md` says what there is.

import { parseArgs } from "node:util";
import { calls } from "./calls.ts";
import { codeFlow } from "./code-flow.ts";
import { faults } from "./faults.ts";
import { pace } from "./pace.ts";
import { postgresCalls } from "./postgres-calls.ts";
import { refresh } from "./refresh.ts";
import { markdownOf, type Table, verdict } from "./report.ts";
import { writeResults } from "./results.ts";
import { scale } from "./scale.ts";
import { soak } from "./soak.ts";
import { heldStreams } from "./streams.ts";
import { types } from "./types.ts";
import { underFlood } from "./under-flood.ts";

const { positionals: asked, values } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean" },
    users: { type: "string", default: "1000000" },
    minutes: { type: "string", default: "10" },
    cuts: { type: "string", default: "500" },
    sqlite: { type: "boolean", default: false },
  },
});
const number = (name: "users" | "minutes" | "cuts") => {
  const value = Number(values[name]);
  if (value > 0 && (name === "minutes" || Number.isInteger(value))) return value;
  process.stderr.write(`--${name} is ${name === "minutes" ? "a" : "a whole"} number above 0.\n`);
  process.exit(2);
};

type Part = () => Promise<Table[]>;
const comparisons: Record<string, Part> = {
  calls,
  refresh,
  flow: codeFlow,
  flood: underFlood,
  postgres: postgresCalls,
  streams: heldStreams,
  types,
};
const parts: Record<string, Part> = {
  ...comparisons,
  scale: () => scale({ users: number("users") }),
  soak: () => soak({ minutes: number("minutes") }),
  faults: () => faults({ times: number("cuts"), minutes: number("minutes"), sqliteOnly: values.sqlite }),
};

const tests = new Set(["soak", "faults"]);

const unknown = asked.filter((name) => !(name in parts));
if (unknown.length > 0) {
  process.stderr.write(`There is no ${unknown.join(", ")}. The parts are ${Object.keys(parts).join(", ")}.\n`);
  process.exit(2);
}
const tables: Table[] = [];
for (const name of asked.length > 0 ? asked : Object.keys(comparisons)) {
  for (const table of (await parts[name]?.()) ?? []) {
    process.stdout.write(`${markdownOf(table)}\n`);
    tables.push(table);
    // The parts that are tests: what they look for does not depend on the machine.
    if (tests.has(name) && table.figures.some((figure) => verdict(figure) === "missed")) process.exitCode = 1;
  }
}
if (asked.length === 0 && !pace.quick) writeResults(tables, new Date());
