import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.{ts,tsx}"],
    expect: { requireAssertions: true },
    // Compilers and bundlers run in some of these: what stops a hung one, not a measure of speed.
    testTimeout: 180_000,
    hookTimeout: 300_000,
    typecheck: { enabled: true, include: ["test/**/*.test-d.ts"], checker: "tsc" },
  },
});
