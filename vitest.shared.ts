// Settings of all test projects: how many tests run at once, where their files are, and time-outs.

import { statfsSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";

const memoryFolder = "/dev/shm";
const neededBytes = 2 * 2 ** 30;

const hasRoom = (folder: string): boolean => {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize >= neededBytes;
  } catch {
    return false;
  }
};

// Databases of tests are in memory if there is room. Workers and child processes inherit this.
if (process.env["TMPDIR"] === undefined && hasRoom(memoryFolder)) process.env["TMPDIR"] = memoryFolder;

/** The folder of files that are too large for memory. */
export const diskFolder = process.env["TMPDIR"] === memoryFolder ? "/tmp" : tmpdir();

/**
 * No test measures time: these time-outs only stop hung tests. On a machine that is ten times slower than two quiet cores, the
 * longest test takes 25 minutes.
 */
const hung = {
  testTimeout: 2_700_000,
  hookTimeout: 2_700_000,
};

/**
 * How long tests wait for an event, in milliseconds: ten times what the slowest takes, the start of `npm run dev` after an
 * installation. Tests read it with `inject("patienceMs")`.
 */
const patienceMs = 300_000;

declare module "vitest" {
  interface ProvidedContext {
    patienceMs: number;
  }
}

export const shared = {
  ...hung,
  expect: { requireAssertions: true, poll: { timeout: patienceMs, interval: 20 } },
  provide: { patienceMs },
  // By default Vitest keeps one core for itself, which is half of a machine with two.
  maxWorkers: availableParallelism(),
  // Files of a project share their modules; loading them again took a third of the time. No test depends on the state of a
  // module, and replaced values are restored before the next test.
  isolate: false,
  restoreMocks: true,
} as const;
