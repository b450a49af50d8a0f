// Prints the counts of a test run as its last line, for scripts.

import type { Reporter, TestModule } from "vitest/node";

export const countingReporter: Reporter = {
  onTestRunEnd(modules: readonly TestModule[], unhandled) {
    const states = modules.flatMap((module) => [...module.children.allTests()].map((test) => test.result().state));
    const count = (state: string) => states.filter((each) => each === state).length;
    const broken = modules.filter((module) => module.errors().length > 0).length + unhandled.length;
    const skipped = count("skipped");
    process.stdout.write(
      `\n${count("passed")} passed, ${count("failed") + broken} failed${skipped > 0 ? `, ${skipped} skipped` : ""}\n`,
    );
  },
};
