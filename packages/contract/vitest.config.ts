import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    name: "contract",
    expect: { requireAssertions: true },
    // Room for a busy machine: nothing here waits for time to pass.
    testTimeout: 60_000,
    include: ["{src,test}/**/*.test.ts"],
  },
});
