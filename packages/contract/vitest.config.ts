import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    name: "contract",
    include: ["{src,test}/**/*.test.ts"],
    typecheck: { enabled: true, include: ["{src,test}/**/*.test-d.ts"], checker: "tsc" },
  },
});
