import { describe, expect, it } from "vitest";
import { engines, openTestDatabase } from "../../test/engines.ts";
import { testClock, testWorld } from "../testing.ts";
import { createSessions, sessionLifetimeSeconds } from "./sessions.ts";
import { createUsers } from "./users.ts";

describe.each(engines)("sessions on $engine", ({ newDatabase }) => {
  const open = async () => {
    const database = await openTestDatabase(newDatabase);
    const clock = testClock();
    const world = { db: database.db, ...testWorld(clock.now) };
    const user = await createUsers(world).create({
      username: "jane",
      email: null,
      fullName: "Jane",
      role: "user",
      passwordHash: null,
    });
    return { ...database, clock, sessions: createSessions(world), userId: user?.id ?? "" };
  };

  it("[S78] end by themselves after their lifetime", async () => {
    await using database = await open();
    const { id } = await database.sessions.start(database.userId);
    database.clock.advanceSeconds(sessionLifetimeSeconds - 1);
    expect(await database.sessions.findLive(id)).toMatchObject({ user: { username: "jane" } });
    database.clock.advanceSeconds(1);
    expect(await database.sessions.findLive(id)).toBeNull();
  });

  it("[S79] end for good, one or all of a user's", async () => {
    await using database = await open();
    const { sessions, userId } = database;
    const [first, second, third] = [
      await sessions.start(userId),
      await sessions.start(userId),
      await sessions.start(userId),
    ];
    await sessions.end(first.id);
    await sessions.end(first.id);
    expect(await sessions.findLive(first.id)).toBeNull();
    expect(await sessions.findLive(second.id)).not.toBeNull();
    await sessions.endAllOf(userId);
    expect(await sessions.findLive(second.id)).toBeNull();
    expect(await sessions.findLive(third.id)).toBeNull();
  });
});
