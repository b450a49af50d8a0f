// `npm run bench`: compares the server with programs that do only the essential part, and with peers, in one run on one machine.
// A run of all comparisons is written to `results`. `README.md` lists the parts.

import { parseArgs } from "node:util";
import { calls } from "./calls.ts";
import { codeFlow } from "./code-flow.ts";
import { copies } from "./copy.ts";
import { costs } from "./costs.ts";
import { faults } from "./faults.ts";
import { mails } from "./mails.ts";
import { observability } from "./observability.ts";
import { pace } from "./pace.ts";
import { passkeys } from "./passkeys.ts";
import { postgresCalls } from "./postgres-calls.ts";
import { refresh } from "./refresh.ts";
import { markdownOf, type Table, verdict } from "./report.ts";
import { writeResults } from "./results.ts";
import { scale } from "./scale.ts";
import { servers } from "./servers.ts";
import { simulate } from "./simulate.ts";
import { soak } from "./soak.ts";
import { openedStreams } from "./streams.ts";
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
  process.stderr.write(`--${name} must be ${name === "minutes" ? "a number" : "an integer"} above 0.\n`);
  process.exit(2);
};

type Part = () => Promise<Table[]>;
const comparisons: Record<string, Part> = {
  calls,
  refresh,
  flow: codeFlow,
  flood: underFlood,
  postgres: postgresCalls,
  streams: openedStreams,
  types,
};
const parts: Record<string, Part> = {
  ...comparisons,
  mails,
  servers,
  observability,
  passkeys,
  copy: () => copies({ users: number("users") }),
  costs,
  simulate,
  scale: () => scale({ users: number("users") }),
  soak: () => soak({ minutes: number("minutes") }),
  faults: () => faults({ times: number("cuts"), minutes: number("minutes"), sqliteOnly: values.sqlite }),
};

const tests = new Set(["soak", "faults"]);

const unknown = asked.filter((name) => !(name in parts));
if (unknown.length > 0) {
  process.stderr.write(`Unknown part: ${unknown.join(", ")}. The parts are ${Object.keys(parts).join(", ")}.\n`);
  process.exit(2);
}
const tables: Table[] = [];
for (const name of asked.length > 0 ? asked : Object.keys(comparisons)) {
  for (const table of (await parts[name]?.()) ?? []) {
    process.stdout.write(`${markdownOf(table)}\n`);
    tables.push(table);
    // These parts are tests: their result does not depend on the speed of the machine.
    if (tests.has(name) && table.figures.some((figure) => verdict(figure) === "missed")) process.exitCode = 1;
  }
}
if (asked.length === 0 && !pace.quick) writeResults(tables, new Date());
