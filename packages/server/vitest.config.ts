import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    name: "server",
    expect: { requireAssertions: true },
    include: ["{src,test}/**/*.test.ts"],
    typecheck: { enabled: true, include: ["{src,test}/**/*.test-d.ts"], checker: "tsc" },
    // Room for a busy machine: nothing here waits for time to pass.
    testTimeout: 60_000,
    globalSetup: ["test/databases.ts"],
  },
});
