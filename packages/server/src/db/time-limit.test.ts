import { beforeEach, describe, expect, it, vi } from "vitest";
import {
  beginWait,
  databaseLimitMs,
  limitEachWait,
  outsideOfCalls,
  waitWithinCall,
  withDatabaseLimit,
  withoutDatabaseLimit,
} from "./time-limit.ts";
import { DatabaseUnavailableError } from "./unavailable.ts";

let time = 0;
beforeEach(() => {
  time = 0;
  const spy = vi.spyOn(performance, "now").mockImplementation(() => time);
  return () => spy.mockRestore();
});

/** One wait for the database: its limit, and its duration. */
const wait = (tookMs: number, limitMs = 1000) => {
  const { leftMs, end } = beginWait(limitMs);
  time += tookMs;
  end();
  return leftMs;
};

describe("[S118] a call", () => {
  it("waits for the database no longer than its limit, over all its statements", () => {
    withDatabaseLimit(100, () => {
      expect(wait(40)).toBe(100);
      // Time between two waits does not count.
      time += 500;
      expect(wait(30)).toBe(60);
      expect(wait(30, 20)).toBe(20);
      expect(wait(0)).toBe(0);
    });
    expect(databaseLimitMs).toBeLessThan(5000);
  });

  it("counts overlapping waits once", () => {
    withDatabaseLimit(100, () => {
      const first = beginWait(1000);
      time += 10;
      const second = beginWait(1000);
      expect(second.leftMs).toBe(90);
      time += 10;
      first.end();
      time += 10;
      second.end();
      expect(wait(0)).toBe(70);
    });
  });

  it("has a limit for each wait when it is a stream", () => {
    withDatabaseLimit(100, () => {
      limitEachWait();
      expect([wait(900), wait(900)]).toEqual([1000, 1000]);
    });
  });

  it("waits for shared work until its own limit", async () => {
    await withDatabaseLimit(1000, async () => {
      expect(await waitWithinCall(Promise.resolve("answer"))).toBe("answer");
      wait(999);
      await expect(waitWithinCall(new Promise(() => {}))).rejects.toThrow(DatabaseUnavailableError);
    });
  });
});

describe("work outside of a call", () => {
  it("has a limit for each wait", () => {
    expect([wait(900), wait(900)]).toEqual([1000, 1000]);
    withDatabaseLimit(100, () => {
      wait(100);
      expect(outsideOfCalls(() => wait(0))).toBe(1000);
    });
  });

  it("has no limit when it is a migration", () => {
    withoutDatabaseLimit(() => {
      wait(1_000_000);
      expect(wait(0)).toBe(Number.POSITIVE_INFINITY);
    });
  });
});
