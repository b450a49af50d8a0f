import { defineConfig } from "vitest/config";
// @boundaries-ignore what the tests of all packages have in common
import { shared } from "../../vitest.shared.ts";

export default defineConfig({
  // Waiting for something to appear is what many of these tests say.
  test: { ...shared, expect: { ...shared.expect, requireAssertions: false }, include: ["test/**/*.test.ts"] },
});
