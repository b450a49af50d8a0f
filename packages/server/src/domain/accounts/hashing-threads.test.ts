import { describe, expect, it } from "vitest";
import { coresOfEach, createHashingThreads, hashingThreadsFor } from "./hashing-threads.ts";

describe("the number of hashing threads", () => {
  it.each([
    { cores: 2, poolSize: 4, idle: 2, busy: 1 },
    { cores: 3, poolSize: 5, idle: 3, busy: 2 },
    { cores: 16, poolSize: 18, idle: 16, busy: 15 },
  ])("is all of $cores cores while the event loop is idle, and one fewer while it is busy", (row) => {
    const threadsAt = (utilization: number) => hashingThreadsFor(utilization, row);
    expect([0, 0.3, 0.45].map(threadsAt)).toEqual([row.idle, row.idle, row.idle]);
    expect([0.55, 0.8, 1].map(threadsAt)).toEqual([row.busy, row.busy, row.busy]);
  });

  it("is one on one core, however busy the event loop is", () => {
    for (const utilization of [0, 0.5, 1]) expect(hashingThreadsFor(utilization, { cores: 1, poolSize: 4 })).toBe(1);
  });

  it.each([1, 2, 4, 6])("leaves a thread of a pool of %i free, and is never 0", (poolSize) => {
    for (const utilization of [0, 0.5, 1])
      expect(hashingThreadsFor(utilization, { cores: 16, poolSize })).toBe(Math.max(1, poolSize - 1));
  });

  it.each([
    { processes: 2, cores: 2, threads: 1 },
    { processes: 3, cores: 8, threads: 2 },
    { processes: 4, cores: 16, threads: 4 },
    { processes: 4, cores: 2, threads: 1 },
  ])("is $threads for each of $processes processes on $cores cores", ({ processes, cores, threads }) => {
    const capacity = { cores: coresOfEach(processes, cores), poolSize: cores + 2 };
    expect(hashingThreadsFor(0, capacity)).toBe(threads);
  });

  it("follows the event loop, measured over at least a tenth of a second", () => {
    const times = { idle: 1000, active: 2000 };
    const spend = (idle: number, active: number) => {
      times.idle += idle;
      times.active += active;
    };
    const threads = createHashingThreads({ cores: 2, poolSize: 4 }, () => ({ ...times }));
    expect(threads()).toBe(2);
    spend(0, 90);
    expect(threads()).toBe(2);
    spend(10, 0);
    expect(threads()).toBe(1);
    spend(90, 0);
    expect(threads()).toBe(1);
    spend(0, 10);
    expect(threads()).toBe(2);
    // Time before the previous call does not count.
    spend(20, 80);
    expect(threads()).toBe(1);
  });
});
