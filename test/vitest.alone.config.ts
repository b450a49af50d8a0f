import { defineConfig } from "vitest/config";
import { shared } from "../vitest.shared.ts";

export default defineConfig({
  test: {
    ...shared,
    name: "alone",
    // nginx excludes servers for two seconds, in which they must restart: other tests would slow them down.
    include: ["rolling-restart.test.ts"],
    // Vitest runs such projects after the others.
    fileParallelism: false,
    isolate: true,
  },
});
