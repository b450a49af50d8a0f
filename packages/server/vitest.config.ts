import { defineConfig } from "vitest/config";
// @boundaries-ignore what the tests of all packages have in common
import { shared } from "../../vitest.shared.ts";

export default defineConfig({
  test: {
    ...shared,
    name: "server",
    include: ["{src,test}/**/*.test.ts"],
    typecheck: { enabled: true, include: ["{src,test}/**/*.test-d.ts"], checker: "tsc" },
    globalSetup: ["test/databases.ts"],
  },
});
