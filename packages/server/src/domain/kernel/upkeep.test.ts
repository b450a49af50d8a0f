import { statSync } from "node:fs";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { engines } from "../../../test/engines.ts";
import { grantedToken, john, startTestServer, testClock, testSessionLimits, typed } from "../../testing.ts";
import { realWorld } from "../../world.ts";
import { randomId } from "./environment.ts";
import { createUpkeep } from "./upkeep.ts";

describe.each(engines)("clean-up on $engine", ({ newDatabase }) => {
  it("deletes everything that has expired, on two servers at once, and nothing else [S92]", async () => {
    const database = await newDatabase("migrated");
    const clock = testClock();
    {
      await using first = await startTestServer({ databaseUrl: database.url, now: clock.now });
      await using second = await startTestServer({ databaseUrl: database.url, now: clock.now });
      const rows = (count: number, expiresInSeconds: number) =>
        Array.from({ length: count }, () => ({
          id: randomId(realWorld.random),
          expires_at: clock.now() + expiresInSeconds * 1000,
        }));
      for (let n = 0; n < 5; n++) await first.db.insertInto("spent_ids").values(rows(1000, 60)).execute();
      await first.db.insertInto("spent_ids").values(rows(3, 120)).execute();
      clock.advanceSeconds(90);
      await Promise.all([first.domain.upkeep.once(), second.domain.upkeep.once()]);
      // A server leaves rows alone that the other one is deleting.
      await first.domain.upkeep.once();
      const left = await first.db.selectFrom("spent_ids").select("id").execute();
      expect(left).toHaveLength(3);
    }
    await database.drop();
  });

  it("[S92] deletes expired sessions, grants, records, counters and spent IDs", async () => {
    const database = await newDatabase("migrated");
    const clock = testClock();
    {
      await using server = await startTestServer({ databaseUrl: database.url, now: clock.now });
      const { db, domain } = server;
      const { user } = await domain.signIn.withPassword(typed(john.username, john.password));
      await grantedToken(server, user.id, ["profile:read"]);
      const record = { payload: {}, grantId: null, alias: null, expiresAt: clock.now() + 1000 };
      await domain.oauthRecords.save("Interaction", "an id", record);
      await domain.spentIds.spend("proof", "an id", 60);
      await expect(domain.signIn.withPassword(typed("nobody", "x"))).rejects.toThrow();
      const tables = ["sessions", "grants", "oauth_records", "throttles", "spent_ids"] as const;
      const left = () =>
        Promise.all(tables.map(async (table) => (await db.selectFrom(table).select("id").execute()).length > 0));
      await domain.upkeep.once();
      expect(await left()).toEqual(tables.map(() => true));
      clock.advanceSeconds(testSessionLimits.lifetimeSeconds + 1);
      await domain.upkeep.once();
      expect(await left()).toEqual(tables.map(() => false));
    }
    await database.drop();
  });
});

it("truncates SQLite's log when a long transaction has made it large", async () => {
  const database = await engines[0].newDatabase("migrated");
  {
    await using server = await startTestServer({ databaseUrl: database.url });
    const size = () => statSync(`${database.url.slice("file:".length)}-wal`).size;
    const large = Array.from({ length: 17 }, (_, n) => ({
      id: `${n}`.padEnd(2 ** 20),
      expires_at: Date.now() + 60_000,
    }));
    await server.db.insertInto("spent_ids").values(large).execute();
    expect(size()).toBeGreaterThan(16 * 2 ** 20);
    await server.domain.upkeep.once();
    expect(size()).toBe(0);
  }
  await database.drop();
});

describe("upkeep", () => {
  const intervalMs = 5000;
  /** Upkeep of parts that only record their calls. */
  const begin = (deleteSome: (limit: number) => Promise<number> = async () => 0) => {
    const done: string[] = [];
    const does = (name: string) => async () => void done.push(name);
    const failures: unknown[] = [];
    const upkeep = createUpkeep({
      clock: { synchronize: does("synchronize") },
      keyring: { maintain: does("maintain") },
      deletions: [
        (limit) => {
          done.push("delete");
          return deleteSome(limit);
        },
      ],
      shrinkFiles: does("shrink"),
    });
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    onTestFinished(() => void vi.useRealTimers());
    return { done, failures, running: upkeep.begin((error) => failures.push(error)) };
  };

  it("follows the clock, loads keys, deletes and truncates files, every five seconds until it ends", async () => {
    const { done, running } = begin();
    const all = ["synchronize", "maintain", "delete", "shrink"];
    vi.advanceTimersByTime(intervalMs);
    await expect.poll(() => done).toEqual(all);
    vi.advanceTimersByTime(intervalMs);
    await expect.poll(() => done).toEqual([...all, ...all]);
    await running.end();
    vi.advanceTimersByTime(intervalMs);
    expect(done).toEqual([...all, ...all]);
  });

  it("reports failures, and tries again", async () => {
    const { done, failures, running } = begin(async () => {
      throw new Error("down");
    });
    for (const times of [1, 2]) {
      vi.advanceTimersByTime(intervalMs);
      await expect.poll(() => failures).toHaveLength(times);
    }
    expect(done.filter((each) => each === "delete")).toHaveLength(2);
    await running.end();
  });

  it("stops in the middle of a long deletion when the server stops", async () => {
    const { done, running } = begin(async (limit) => limit);
    vi.advanceTimersByTime(intervalMs);
    await expect.poll(() => done).toContain("delete");
    await running.end();
    expect(done.at(-1)).toBe("shrink");
  });
});
