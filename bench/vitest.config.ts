import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    name: "bench",
    expect: { requireAssertions: true },
    include: ["test/**/*.test.ts"],
    // Compilers and servers run in these: what stops a hung one, not a measure of speed.
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
