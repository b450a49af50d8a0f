// `pnpm bench`: what this server costs beside what its parts alone cost, in one run on one machine. The ratios count;
// absolute figures are this machine's at this moment. `pnpm bench sessions`, or any of the parts, runs only those.

import { calls } from "./calls.ts";
import { logins } from "./logins.ts";
import { million } from "./million.ts";
import { refresh } from "./refresh.ts";
import { underFlood } from "./under-flood.ts";

const sessions = { refresh, flood: underFlood, logins, million };
const parts: Record<string, () => Promise<void>> = { calls, ...sessions };
const groups: Record<string, string[]> = { sessions: Object.keys(sessions) };

const asked = process.argv.slice(2).flatMap((name) => groups[name] ?? name);
const unknown = asked.filter((name) => !(name in parts));
if (unknown.length > 0) {
  const names = [...Object.keys(groups), ...Object.keys(parts)].join(", ");
  process.stderr.write(`There is no ${unknown.join(", ")}. The parts are ${names}.\n`);
  process.exit(2);
}
for (const name of asked.length > 0 ? asked : Object.keys(parts)) await parts[name]?.();
