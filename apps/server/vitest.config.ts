import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    name: "server",
    include: ["{src,test}/**/*.test.ts"],
    typecheck: { enabled: true, include: ["{src,test}/**/*.test-d.ts"], checker: "tsc" },
    globalSetup: ["test/postgres.ts"],
  },
});
