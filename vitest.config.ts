import { defineConfig } from "vitest/config";
import { countingReporter } from "./vitest.reporter.ts";

export default defineConfig({
  test: {
    projects: ["packages/*", "apps/*"],
    reporters: ["default", countingReporter],
  },
});
