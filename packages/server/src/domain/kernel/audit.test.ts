import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { engines, openTestDatabase } from "../../../test/engines.ts";
import { startSession, testClock, testFactorPolicy, testSessionLimits, testSource, testWorld } from "../../testing.ts";
import { createUsers } from "../accounts/users.ts";
import { createSessionEvents } from "../sessions/session-events.ts";
import { createSessions } from "../sessions/sessions.ts";
import { createAudit } from "./audit.ts";
import { createSecrets } from "./secrets.ts";

describe.each(engines)("the audit log on $engine", ({ engine, newDatabase }) => {
  const open = async () => {
    const database = await openTestDatabase(newDatabase);
    const clock = testClock();
    const world = { db: database.db, ...testWorld(clock.now) };
    const audit = createAudit(world);
    return { ...database, world, clock, audit };
  };

  it("cannot be changed or deleted in the database", async () => {
    await using opened = await open();
    const { db, audit } = opened;
    await db
      .transaction()
      .execute((transaction) => audit.record({ action: "sign_in", userId: "u", source: testSource }, transaction));
    const before = await db.selectFrom("audit_log").selectAll().execute();
    const attempts = [
      () => db.updateTable("audit_log").set({ outcome: "refused" }).execute(),
      () => db.updateTable("audit_log").set({ at: 0 }).where("user_id", "=", "u").execute(),
      () => db.deleteFrom("audit_log").execute(),
      () => db.deleteFrom("audit_log").where("user_id", "=", "u").execute(),
      ...(engine === "PostgreSQL" ? [() => sql`truncate audit_log`.execute(db)] : []),
    ];
    for (const attempt of attempts) await expect(attempt()).rejects.toThrow("audit_log is append-only");
    expect(await db.selectFrom("audit_log").selectAll().execute()).toEqual(before);
  });

  it("keeps the entries of a deleted account", async () => {
    await using opened = await open();
    const { db, audit, world } = opened;
    const user = await createUsers(world).create({
      username: "jane",
      email: null,
      fullName: "Jane",
      role: "user",
      passwordHash: null,
    });
    const userId = user?.id ?? "";
    await audit.record({ action: "sign_in", userId, source: testSource });
    await db.deleteFrom("users").execute();
    expect(await audit.list({ userId, limit: 10 })).toMatchObject([{ action: "sign_in", userId }]);
  });

  it("rolls an entry back with its transaction", async () => {
    await using opened = await open();
    const { audit, world } = opened;
    const sessions = createSessions({
      ...world,
      audit,
      events: createSessionEvents(),
      secrets: createSecrets("a secret of at least thirty-two characters"),
      limits: testSessionLimits,
      policy: testFactorPolicy,
    });
    const user = await createUsers(world).create({
      username: "jane",
      email: null,
      fullName: "Jane",
      role: "user",
      passwordHash: null,
    });
    const userId = user?.id ?? "";
    await expect(
      opened.db.transaction().execute(async (transaction) => {
        await sessions.startWithin(transaction, userId, testSource, { factors: [] });
        throw new Error("the proof is no longer valid");
      }),
    ).rejects.toThrow("the proof is no longer valid");
    const { session } = await startSession(opened.db, sessions, userId);
    await expect(
      opened.db.transaction().execute(async (transaction) => {
        await audit.record({ action: "user.disable", userId, source: testSource }, transaction);
        await sessions.endWithin(transaction, userId, { except: null }, "revoked", testSource);
        throw new Error("it fails");
      }),
    ).rejects.toThrow("it fails");
    expect((await audit.list({ userId, limit: 10 })).map(({ action }) => action)).toEqual(["sign_in"]);
    expect(await sessions.findLive(session.id)).not.toBeNull();
  });
});
