import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    name: "kit",
    // Room for a busy machine: nothing here waits for time to pass.
    testTimeout: 60_000,
    include: ["{src,test}/**/*.test.ts"],
    typecheck: { enabled: true, include: ["{src,test}/**/*.test-d.ts"], checker: "tsc" },
  },
});
