// The fault runs, for `npm run bench -- faults`.

export { runCuts } from "./cuts.ts";
export { runKills } from "./kills.ts";
