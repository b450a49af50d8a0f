import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    name: "app",
    include: ["{src,test}/**/*.test.ts"],
    // Room for a busy machine: nothing here waits for time to pass.
    testTimeout: 60_000,
    globalSetup: ["@lockstep/server/databases-testing"],
  },
});
