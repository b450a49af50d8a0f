import { defineConfig } from "vitest/config";
import { countingReporter } from "./vitest.reporter.ts";

export default defineConfig({
  test: {
    projects: ["packages/*", "apps/*", "bench", "test"],
    reporters: ["default", countingReporter],
  },
});
