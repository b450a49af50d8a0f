import { defineConfig } from "vitest/config";
// @boundaries-ignore what the tests of all packages have in common
import { shared } from "../../vitest.shared.ts";

export default defineConfig({
  test: {
    ...shared,
    name: "create-lockstep",
    include: ["{src,test}/**/*.test.ts"],
    // Node reads keys only from terminals that move the cursor. CI often has none.
    env: { TERM: "xterm" },
  },
});
