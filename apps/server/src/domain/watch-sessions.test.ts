import { describe, expect, it } from "vitest";
import { engines, openTestDatabase } from "../../test/engines.ts";
import { testClock, testSessionLimits, testSource, testWorld } from "../testing.ts";
import { createAudit } from "./audit.ts";
import { createDisabling } from "./disabling.ts";
import { createGrants } from "./grants.ts";
import { createOAuthRecords } from "./oauth-records.ts";
import { createSecrets } from "./secrets.ts";
import { createSessionEvents } from "./session-events.ts";
import { createSessions, type Session } from "./sessions.ts";
import { createSpentIds } from "./spent-ids.ts";
import { createUsers } from "./users.ts";
import { createWatchSessions } from "./watch-sessions.ts";

describe.each(engines)("watching one's sessions on $engine", ({ newDatabase }) => {
  const open = async () => {
    const database = await openTestDatabase(newDatabase);
    const clock = testClock();
    const world = { db: database.db, ...testWorld(clock.now) };
    const audit = createAudit(world);
    const users = createUsers(world);
    const [jane, joe] = await users.createAll(
      ["jane", "joe"].map((username) => ({
        username,
        email: null,
        fullName: username,
        role: "user" as const,
        passwordHash: null,
      })),
    );
    const closing = new AbortController();
    /** A server's own part: what happens in another is not told here. */
    const process = () => {
      const events = createSessionEvents();
      const secrets = createSecrets("a secret of at least thirty-two characters");
      const sessions = createSessions({ ...world, audit, events, secrets, limits: testSessionLimits });
      const watchSessions = createWatchSessions({ sessions, events, closing: closing.signal });
      const grants = createGrants({
        ...world,
        audit,
        records: createOAuthRecords({ ...world, secrets }),
        spentIds: createSpentIds(world),
        lifetimeSeconds: testSessionLimits.lifetimeSeconds,
      });
      const disabling = createDisabling({ ...world, users, sessions, grants, audit });
      const watch = async (session: Session, signal = new AbortController().signal) => {
        const watching = watchSessions(session, signal);
        expect((await watching.next()).value).toEqual({ type: "watching" });
        return watching;
      };
      return { events, sessions, watch, disabling };
    };
    return {
      ...database,
      clock,
      users,
      closing,
      here: process(),
      elsewhere: process(),
      jane: jane?.id ?? "",
      joe: joe?.id ?? "",
    };
  };

  it("tells of a sign-in elsewhere, with where it is", async () => {
    await using opened = await open();
    const { here, jane } = opened;
    const mine = await here.sessions.start(jane, testSource);
    const watching = await here.watch(mine.session);
    const other = await here.sessions.start(jane, { ...testSource, address: "198.51.100.7", userAgent: "a phone" });
    expect((await watching.next()).value).toEqual({
      type: "signed_in",
      session: {
        id: other.session.id,
        address: "198.51.100.7",
        userAgent: "a phone",
        createdAt: opened.clock.now(),
        lastSeenAt: opened.clock.now(),
      },
    });
    await watching.return();
  });

  it("misses nothing that happens between its begin and the first look at its news", async () => {
    await using opened = await open();
    const { here, jane } = opened;
    const mine = await here.sessions.start(jane, testSource);
    const watching = await here.watch(mine.session);
    const others = [await here.sessions.start(jane, testSource), await here.sessions.start(jane, testSource)];
    for (const { session } of others) {
      expect((await watching.next()).value).toMatchObject({ type: "signed_in", session: { id: session.id } });
    }
    await watching.return();
  });

  it("[S55] tells nothing of anybody else", async () => {
    await using opened = await open();
    const { here, jane, joe } = opened;
    const mine = await here.sessions.start(jane, testSource);
    const watching = await here.watch(mine.session);
    await here.sessions.start(joe, testSource);
    await here.sessions.endAllOf(joe, "revoked", testSource);
    const own = await here.sessions.start(jane, testSource);
    expect((await watching.next()).value).toMatchObject({ type: "signed_in", session: { id: own.session.id } });
    await watching.return();
  });

  it("[S79] goes on when another session ends, and ends with its own, saying why", async () => {
    await using opened = await open();
    const { here, jane } = opened;
    const mine = await here.sessions.start(jane, testSource);
    const other = await here.sessions.start(jane, testSource);
    const watching = await here.watch(mine.session);
    await here.sessions.end(jane, other.session.id, "revoked", testSource);
    await here.sessions.end(jane, mine.session.id, "signed_out", testSource);
    const ended = { type: "session_ended", sessionId: other.session.id, reason: "revoked" };
    expect((await watching.next()).value).toEqual(ended);
    expect((await watching.next()).value).toMatchObject({ sessionId: mine.session.id, reason: "signed_out" });
    await expect(watching.next()).rejects.toMatchObject({ code: "SESSION_ENDED", details: { reason: "signed_out" } });
    expect(await watching.next()).toEqual({ done: true, value: undefined });
  });

  it("[S73] tells all who watch that a replaced token came back", async () => {
    await using opened = await open();
    const { here, jane } = opened;
    const stolen = await here.sessions.start(jane, testSource);
    const mine = await here.sessions.start(jane, testSource);
    const watching = await here.watch(mine.session);
    await here.sessions.refresh(stolen.refreshToken, testSource);
    opened.clock.advanceSeconds(testSessionLimits.graceSeconds + 1);
    await expect(here.sessions.refresh(stolen.refreshToken, testSource)).rejects.toMatchObject({
      details: { reason: "reused" },
    });
    expect((await watching.next()).value).toEqual({
      type: "session_ended",
      sessionId: stolen.session.id,
      reason: "reused",
    });
    await watching.return();
  });

  it.each<[string, (opened: Awaited<ReturnType<typeof open>>, session: Session) => Promise<unknown>]>([
    ["revoked", ({ elsewhere, jane }, { id }) => elsewhere.sessions.end(jane, id, "revoked", testSource)],
    ["disabled", ({ elsewhere, jane }) => elsewhere.disabling.disable(jane, testSource)],
    ["password_changed", ({ elsewhere, jane }) => elsewhere.sessions.endAllOf(jane, "password_changed", testSource)],
    ["expired", async ({ clock }) => clock.advanceSeconds(testSessionLimits.idleSeconds)],
    ["unknown", ({ db, jane }) => db.deleteFrom("users").where("id", "=", jane).execute()],
  ])(
    "[S27] [S80] finds by looking that its session is over, where nobody here made it so: %s",
    async (reason, make) => {
      await using opened = await open();
      const { here, jane } = opened;
      const mine = await here.sessions.start(jane, testSource);
      const watching = await here.watch(mine.session);
      const news = watching.next();
      await make(opened, mine.session);
      expect((await news).value).toEqual({ type: "session_ended", sessionId: mine.session.id, reason });
      await expect(watching.next()).rejects.toMatchObject({ code: "SESSION_ENDED", details: { reason } });
    },
  );

  it("ends without an error when its watcher goes away, or the server closes", async () => {
    await using opened = await open();
    const { here, jane, closing } = opened;
    const mine = await here.sessions.start(jane, testSource);
    const away = new AbortController();
    const [left, stayed] = [await here.watch(mine.session, away.signal), await here.watch(mine.session)];
    const [leaving, staying] = [left.next(), stayed.next()];
    away.abort();
    expect(await leaving).toEqual({ done: true, value: undefined });
    await here.sessions.start(jane, testSource);
    expect((await staying).value).toMatchObject({ type: "signed_in" });
    closing.abort();
    expect(await stayed.next()).toEqual({ done: true, value: undefined });
  });
});
