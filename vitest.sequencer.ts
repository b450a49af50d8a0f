// Owns the order of test files: those that take longest start first, so that no core is idle at the end.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files that take ten seconds or more, longest first. Vitest knows durations of earlier runs, but CI has none. */
const longest = [
  "test/release.test.ts",
  "test/examples.test.ts",
  "test/dev.test.ts",
  "packages/create-lockstep/test/your-first-feature.test.ts",
  "test/start.test.ts",
  "test/commands.test.ts",
  "apps/web/test/sessions.test.ts",
  "apps/web/test/authorization.test.ts",
  "apps/web/test/protocol-pages.test.ts",
  "apps/web/test/app.test.ts",
  "apps/web/test/developer.test.ts",
  "apps/web/test/identity-providers.test.ts",
  "apps/web/test/connected-apps.test.ts",
  "apps/cli/test/third-party.test.ts",
].map((file) => join(import.meta.dirname, file));

const missing = longest.filter((file) => !existsSync(file));
if (missing.length > 0) throw new Error(`vitest.sequencer.ts lists files that do not exist: ${missing}`);

const place = ({ moduleId }: TestSpecification) => {
  const found = longest.indexOf(moduleId);
  return found === -1 ? longest.length : found;
};

/** Vitest's own order, which keeps the files of a project together, after the longest files. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).toSorted((a, b) => place(a) - place(b));
  }
}
