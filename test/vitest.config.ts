import { defineConfig } from "vitest/config";
import { diskFolder, shared } from "../vitest.shared.ts";

export default defineConfig({
  test: {
    ...shared,
    name: "repository",
    include: ["*.test.ts"],
    // Copies of the repository with all packages.
    env: { TMPDIR: diskFolder },
    // One after the other: each keeps every core busy.
    fileParallelism: false,
    isolate: true,
  },
});
