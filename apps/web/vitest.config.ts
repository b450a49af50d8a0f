import { defineConfig } from "vitest/config";

export default defineConfig({
  // Room for a busy machine: nothing here waits for time to pass.
  test: { include: ["test/**/*.test.ts"], testTimeout: 180_000, hookTimeout: 180_000 },
});
