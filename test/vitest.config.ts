import { defineConfig } from "vitest/config";
import { diskFolder, shared } from "../vitest.shared.ts";

export default defineConfig({
  test: {
    ...shared,
    name: "repository",
    include: ["*.test.ts"],
    exclude: [
      "rolling-restart.test.ts", // in vitest.alone.config.ts
      // These install whole apps, so only CI runs them by default. Run them when you change how packages are published.
      ...(process.env["TEST_RELEASE"] === "1" ? [] : ["release.test.ts", "consumers.test.ts"]),
      ...(process.env["TEST_RELEASE"] === "1" || process.env["TEST_EXAMPLES"] ? [] : ["examples.test.ts"]),
    ],
    // Copies of the repository, with installed packages.
    env: { TMPDIR: diskFolder },
  },
});
