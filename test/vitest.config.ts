import { defineConfig } from "vitest/config";
import { diskFolder, shared } from "../vitest.shared.ts";

export default defineConfig({
  test: {
    ...shared,
    name: "repository",
    include: ["*.test.ts"],
    // It installs whole apps, so only CI runs it by default. Run it when you change how packages are published.
    exclude: process.env["TEST_RELEASE"] === "1" ? [] : ["release.test.ts"],
    // Copies of the repository, with installed packages.
    env: { TMPDIR: diskFolder },
    // One after another: each of them uses every core.
    fileParallelism: false,
    isolate: true,
  },
});
