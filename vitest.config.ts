import { defineConfig } from "vitest/config";
import { countingReporter } from "./vitest.reporter.ts";
import { LongestFirst } from "./vitest.sequencer.ts";

export default defineConfig({
  test: {
    projects: ["packages/*", "apps/*", "bench", "test", "test/vitest.alone.config.ts"],
    reporters: ["default", countingReporter],
    sequence: { sequencer: LongestFirst },
  },
});
