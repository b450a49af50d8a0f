import { describe, expect, it } from "vitest";
import { engines } from "../../test/engines.ts";
import { realWorld } from "../server.ts";
import { startTestServer, testClock } from "../testing.ts";
import { randomId } from "./environment.ts";

describe.each(engines)("clean-up on $engine", ({ newDatabase }) => {
  it("deletes all that has expired, on two servers at once, and nothing else [S92]", async () => {
    const database = await newDatabase();
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
      // A server that met rows which the other was deleting leaves them to it.
      await first.domain.upkeep.once();
      const left = await first.db.selectFrom("spent_ids").select("id").execute();
      expect(left).toHaveLength(3);
    }
    await database.drop();
  });
});
