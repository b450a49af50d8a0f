// What the tests of all projects have in common: how many run at once, where their files are, and when a test that goes
// on counts as hung.

import { statfsSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";

/** Where files go that are too large for memory. */
export const diskFolder = tmpdir();

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

// Databases of tests wait for no disk where memory has the room. Workers and all processes of tests inherit it.
if (process.env["TMPDIR"] === undefined && hasRoom(memoryFolder)) process.env["TMPDIR"] = memoryFolder;

/**
 * No test measures time, so all of these are only what stops a hung one. A machine that is ten times slower than one of
 * two cores, or as busy, stays far below them.
 */
const hung = {
  testTimeout: 600_000,
  hookTimeout: 600_000,
};

/** For how long tests wait for something to happen, in milliseconds. Tests read it by `inject("patienceMs")`. */
const patienceMs = 90_000;

declare module "vitest" {
  interface ProvidedContext {
    patienceMs: number;
  }
}

export const shared = {
  ...hung,
  expect: { requireAssertions: true, poll: { timeout: patienceMs, interval: 20 } },
  provide: { patienceMs },
  // Vitest leaves one core to itself, which is half of a machine with two.
  maxWorkers: availableParallelism(),
  // Files of a project share their modules: loading them anew took a third of the time. No module keeps state that a test
  // depends on; what a test replaced is put back before the next.
  isolate: false,
  restoreMocks: true,
} as const;
