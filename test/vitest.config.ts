import { defineConfig } from "vitest/config";
import { diskFolder, shared } from "../vitest.shared.ts";

export default defineConfig({
  test: {
    ...shared,
    name: "repository",
    include: ["*.test.ts"],
    exclude: [
      "rolling-restart.test.ts", // in vitest.alone.config.ts
      // It installs whole apps, so only CI runs it by default. Run it when you change how packages are published.
      ...(process.env["TEST_RELEASE"] === "1" ? [] : ["release.test.ts"]),
    ],
    // Copies of the repository, with installed packages.
    env: { TMPDIR: diskFolder },
  },
});
