import { defineConfig } from "vitest/config";
// @boundaries-ignore what the tests of all packages have in common
import { shared } from "../../vitest.shared.ts";

export default defineConfig({
  test: {
    ...shared,
    // Some of these state types alone.
    expect: { ...shared.expect, requireAssertions: false },
    name: "app",
    include: ["{src,test}/**/*.test.ts"],
    globalSetup: ["@lockstep/server/databases-testing"],
  },
});
