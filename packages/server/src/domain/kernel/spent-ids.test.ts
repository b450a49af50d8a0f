import { describe, expect, it } from "vitest";
import { engines, openTestDatabase } from "../../../test/engines.ts";
import { testClock } from "../../testing.ts";
import { createSpentIds } from "./spent-ids.ts";

describe.each(engines)("IDs that work once, on $engine", ({ newDatabase }) => {
  it("are spent by one of any number of concurrent callers, on any server", async () => {
    await using opened = await openTestDatabase(newDatabase);
    const { now } = testClock();
    const servers = [1, 2].map(() => createSpentIds({ db: opened.db, now }));
    const uses = await Promise.all(Array.from({ length: 20 }, (_, n) => servers[n % 2]?.spend("proof", "x", 60)));
    expect(uses.filter(Boolean)).toHaveLength(1);
    expect(await servers[0]?.spend("proof", "y", 60)).toBe(true);
    expect(await servers[0]?.spend("login", "x", 60)).toBe(true);
  });

  it("can be any text that others choose", async () => {
    await using opened = await openTestDatabase(newDatabase);
    const { spend } = createSpentIds({ db: opened.db, now: Date.now });
    for (const id of ["", "\u0000", "x".repeat(100_000), "'; drop table users"]) {
      expect(await spend("proof", id, 60)).toBe(true);
      expect(await spend("proof", id, 60)).toBe(false);
    }
  });

  it("are deleted in steps when they could not be presented any more", async () => {
    await using opened = await openTestDatabase(newDatabase);
    const clock = testClock();
    const spentIds = createSpentIds({ db: opened.db, now: clock.now });
    for (const id of ["a", "b", "c"]) await spentIds.spend("proof", id, 60);
    await spentIds.spend("proof", "later", 120);
    clock.advanceSeconds(59);
    expect(await spentIds.deleteExpired(10)).toBe(0);
    clock.advanceSeconds(1);
    expect(await spentIds.deleteExpired(2)).toBe(2);
    expect(await spentIds.deleteExpired(2)).toBe(1);
    expect(await spentIds.spend("proof", "later", 120)).toBe(false);
  });
});
