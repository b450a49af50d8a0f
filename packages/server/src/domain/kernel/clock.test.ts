import { describe, expect, it } from "vitest";
import { engines, openTestDatabase } from "../../../test/engines.ts";
import { readDatabaseTime } from "../../db/clock.ts";
import { createClock } from "./clock.ts";

const minute = 60_000;

describe("the clock that servers share", () => {
  it.each([5 * minute, -5 * minute])("is the database's, on a machine that is %i ms wrong", async (errorMs) => {
    const rightTime = 1_800_000_000_000;
    const clock = await createClock({
      machineNow: () => rightTime + errorMs,
      readSharedTime: async () => rightTime,
    });
    expect(clock.now()).toBe(rightTime);
    expect(clock.offsetMs()).toBe(-errorMs);
  });

  it("ignores what the round trip leaves uncertain, so that time does not jump back and forth", async () => {
    let machineTime = 1_000_000;
    const clock = await createClock({
      machineNow: () => machineTime,
      readSharedTime: async () => {
        const halfway = machineTime + 200;
        machineTime += 1000;
        return halfway;
      },
    });
    expect(clock.offsetMs()).toBe(0);
  });

  it.each([99, -99])("ignores %i ms, which is measurement noise", async (differenceMs) => {
    const clock = await createClock({
      machineNow: () => 1_000_000,
      readSharedTime: async () => 1_000_000 + differenceMs,
    });
    expect(clock.offsetMs()).toBe(0);
  });

  it("follows a machine's clock that is corrected while the server runs", async () => {
    let machineTime = 1_000_000 + minute;
    const clock = await createClock({ machineNow: () => machineTime, readSharedTime: async () => 1_000_000 });
    machineTime = 1_000_000;
    await clock.synchronize();
    expect(clock.now()).toBe(1_000_000);
  });

  it("is the machine's when there is no shared one", async () => {
    const clock = await createClock({ machineNow: () => 7, readSharedTime: async () => null });
    expect(clock.now()).toBe(7);
  });
});

describe.each(engines)("the clock of $engine", ({ engine, newDatabase }) => {
  it("is read in epoch milliseconds on PostgreSQL, and is the machine's on SQLite", async () => {
    await using database = await openTestDatabase(newDatabase);
    const before = Date.now();
    const time = await readDatabaseTime(database.db);
    if (engine === "SQLite") return expect(time).toBeNull();
    expect(time).toBeGreaterThanOrEqual(before - 1);
    expect(time).toBeLessThanOrEqual(Date.now() + 1);
  });
});
