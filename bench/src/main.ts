// `pnpm bench`: what this server costs beside what its parts alone cost and beside its peers, in one run on one machine.
// All parts together are written to `results`. `pnpm bench sessions`, or any of the parts, runs only those; `--quick`
// makes one short round of each.

import { calls } from "./calls.ts";
import { pace } from "./pace.ts";
import { postgresCalls } from "./postgres-calls.ts";
import { refresh } from "./refresh.ts";
import { markdownOf, type Table } from "./report.ts";
import { writeResults } from "./results.ts";
import { types } from "./types.ts";
import { underFlood } from "./under-flood.ts";

const parts: Record<string, () => Promise<Table[]>> = {
  calls,
  refresh,
  flood: underFlood,
  postgres: postgresCalls,
  types,
};

const asked = process.argv.slice(2).filter((argument) => argument !== "--quick");
const unknown = asked.filter((name) => !(name in parts));
if (unknown.length > 0) {
  process.stderr.write(`There is no ${unknown.join(", ")}. The parts are ${Object.keys(parts).join(", ")}.\n`);
  process.exit(2);
}
const tables: Table[] = [];
for (const name of asked.length > 0 ? asked : Object.keys(parts)) {
  for (const table of (await parts[name]?.()) ?? []) {
    process.stdout.write(`${markdownOf(table)}\n`);
    tables.push(table);
  }
}
if (asked.length === 0 && !pace.quick) writeResults(tables, new Date());
