// The fault runs, for `pnpm bench faults`.

export { runCuts } from "./cuts.ts";
export { runKills } from "./kills.ts";
