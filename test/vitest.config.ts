import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    name: "repository",
    expect: { requireAssertions: true },
    include: ["*.test.ts"],
    // Whole set-ups are run in these, on a machine that is busy with other tests: what stops a hung one.
    testTimeout: 600_000,
    hookTimeout: 240_000,
    // One after the other: each keeps every core busy.
    fileParallelism: false,
  },
});
