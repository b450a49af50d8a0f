import type { SessionEndReason } from "@lockstep/kit";
import { describe, expect, it, vi } from "vitest";
import { engines, openTestDatabase } from "../../../test/engines.ts";
import { beginWait, withDatabaseLimit } from "../../db/time-limit.ts";
import { DatabaseUnavailableError } from "../../db/unavailable.ts";
import { startSession, testClock, testFactorPolicy, testSessionLimits, testSource, testWorld } from "../../testing.ts";
import { createUsers } from "../accounts/users.ts";
import { createAudit, type Source } from "../kernel/audit.ts";
import { createSecrets } from "../kernel/secrets.ts";
import { createSessionEvents } from "./session-events.ts";
import { createSessions, type Session } from "./sessions.ts";
import { createWatchSessions, type StreamLimits } from "./watch-sessions.ts";

describe.each(engines)("watching sessions on $engine", ({ newDatabase }) => {
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
    /** The parts of one server process. Events of another process are not published here. */
    const process = (limits?: StreamLimits) => {
      const events = createSessionEvents();
      const secrets = createSecrets("a secret of at least thirty-two characters");
      const sessions = createSessions({
        ...world,
        audit,
        events,
        secrets,
        limits: testSessionLimits,
        policy: testFactorPolicy,
      });
      const looks: string[][] = [];
      let answer = (id: string): Promise<SessionEndReason | null> => sessions.endReason(id);
      const watchSessions = createWatchSessions({
        sessions: {
          endReason(id) {
            // Reads of one turn are one query (`db/lookup.ts`).
            if (looks.at(-1)?.length === 0) setImmediate(() => looks.push([]));
            looks.at(-1)?.push(id);
            return answer(id);
          },
        },
        events,
        closing: closing.signal,
        ...(limits && { limits }),
        lookEveryMs: 10,
        lookLimitMs: 30,
      });
      looks.push([]);
      const start = (userId: string, source?: Source) => startSession(database.db, sessions, userId, source);
      const answerLooks = (by: typeof answer | null) => {
        answer = by ?? ((id) => sessions.endReason(id));
      };
      const watch = async (session: Session, signal = new AbortController().signal) => {
        const watching = watchSessions(session, signal);
        expect((await watching.next()).value).toEqual({ type: "watching" });
        return watching;
      };
      return { events, sessions, start, watchSessions, watch, looks, answerLooks };
    };
    return {
      ...database,
      clock,
      users,
      closing,
      here: process(),
      elsewhere: process(),
      process,
      jane: jane?.id ?? "",
      joe: joe?.id ?? "",
    };
  };

  it("reports a sign-in elsewhere, with its address and device", async () => {
    await using opened = await open();
    const { here, jane } = opened;
    const mine = await here.start(jane);
    const watching = await here.watch(mine.session);
    const other = await here.start(jane, { ...testSource, address: "198.51.100.7", userAgent: "a phone" });
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

  it("misses nothing between its start and the first read", async () => {
    await using opened = await open();
    const { here, jane } = opened;
    const mine = await here.start(jane);
    const watching = await here.watch(mine.session);
    const others = [await here.start(jane), await here.start(jane)];
    for (const { session } of others) {
      expect((await watching.next()).value).toMatchObject({ type: "signed_in", session: { id: session.id } });
    }
    await watching.return();
  });

  it("[S55] reports nothing about other users", async () => {
    await using opened = await open();
    const { here, jane, joe } = opened;
    const mine = await here.start(jane);
    const watching = await here.watch(mine.session);
    await here.start(joe);
    await here.sessions.endAllOf(joe, "revoked", testSource);
    const own = await here.start(jane);
    expect((await watching.next()).value).toMatchObject({ type: "signed_in", session: { id: own.session.id } });
    await watching.return();
  });

  it("[S79] continues when another session ends, and ends with its own, with the reason", async () => {
    await using opened = await open();
    const { here, jane } = opened;
    const mine = await here.start(jane);
    const other = await here.start(jane);
    const watching = await here.watch(mine.session);
    await here.sessions.end(jane, other.session.id, "revoked", testSource);
    await here.sessions.end(jane, mine.session.id, "signed_out", testSource);
    const ended = { type: "session_ended", sessionId: other.session.id, reason: "revoked" };
    expect((await watching.next()).value).toEqual(ended);
    expect((await watching.next()).value).toMatchObject({ sessionId: mine.session.id, reason: "signed_out" });
    await expect(watching.next()).rejects.toMatchObject({ code: "SESSION_ENDED", details: { reason: "signed_out" } });
    expect(await watching.next()).toEqual({ done: true, value: undefined });
  });

  it("[S73] tells all watchers that a replaced token was used", async () => {
    await using opened = await open();
    const { here, jane } = opened;
    const stolen = await here.start(jane);
    const mine = await here.start(jane);
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
    ["disabled", ({ elsewhere, jane }) => elsewhere.sessions.endAllOf(jane, "disabled", testSource)],
    ["password_changed", ({ elsewhere, jane }) => elsewhere.sessions.endAllOf(jane, "password_changed", testSource)],
    ["expired", async ({ clock }) => clock.advanceSeconds(testSessionLimits.idleSeconds)],
    ["unknown", ({ db, jane }) => db.deleteFrom("users").where("id", "=", jane).execute()],
  ])("[S27] [S80] finds by polling the end of its session that happened elsewhere: %s", async (reason, make) => {
    await using opened = await open();
    const { here, jane } = opened;
    const mine = await here.start(jane);
    const watching = await here.watch(mine.session);
    const news = watching.next();
    await make(opened, mine.session);
    expect((await news).value).toEqual({ type: "session_ended", sessionId: mine.session.id, reason });
    await expect(watching.next()).rejects.toMatchObject({ code: "SESSION_ENDED", details: { reason } });
  });

  it("ends without an error when its watcher disconnects, or the server closes", async () => {
    await using opened = await open();
    const { here, jane, closing } = opened;
    const mine = await here.start(jane);
    const away = new AbortController();
    const [left, stayed] = [await here.watch(mine.session, away.signal), await here.watch(mine.session)];
    const [leaving, staying] = [left.next(), stayed.next()];
    away.abort();
    expect(await leaving).toEqual({ done: true, value: undefined });
    await here.start(jane);
    expect((await staying).value).toMatchObject({ type: "signed_in" });
    closing.abort();
    expect(await stayed.next()).toEqual({ done: true, value: undefined });
  });

  it("ends a stream that is opened while the server closes", async () => {
    await using opened = await open();
    const { here, jane, closing } = opened;
    const { session } = await here.start(jane);
    closing.abort();
    const watching = await here.watch(session);
    expect(await watching.next()).toEqual({ done: true, value: undefined });
  });

  it("[S91] [S118] does not poll within the time limit of the call that opened the first stream", async () => {
    await using opened = await open();
    const { here, jane } = opened;
    const { session } = await here.start(jane);
    const limits: number[] = [];
    here.answerLooks(async () => {
      const { leftMs, end } = beginWait(1000);
      end();
      limits.push(leftMs);
      return null;
    });
    const watching = await withDatabaseLimit(10, () => here.watch(session));
    await expect.poll(() => limits).not.toEqual([]);
    expect(limits[0]).toBe(1000);
    await watching.return();
  });

  it("[S91] polls once for all streams of a session, and for all sessions in one query", async () => {
    await using opened = await open();
    const { here, jane, joe } = opened;
    const sessions = [await here.start(jane), await here.start(joe)];
    const streams = [];
    for (const { session } of [...sessions, ...sessions, ...sessions]) streams.push(await here.watch(session));
    here.looks.splice(0, here.looks.length, []);
    await expect.poll(() => here.looks.length).toBeGreaterThan(3);
    for (const ids of here.looks.slice(0, -1)) expect(ids).toEqual(sessions.map(({ session }) => session.id));
    for (const stream of streams) void stream.return();
    opened.closing.abort();
  });

  it("[S91] stops polling a session after its stream got its end", async () => {
    await using opened = await open();
    const { here, jane, joe } = opened;
    const [over, live] = [await here.start(jane), await here.start(joe)];
    const streams = [await here.watch(over.session), await here.watch(live.session)];
    await here.sessions.end(jane, over.session.id, "revoked", testSource);
    here.looks.splice(0, here.looks.length, []);
    await expect.poll(() => here.looks.length).toBeGreaterThan(3);
    // The first poll may have begun before.
    for (const ids of here.looks.slice(2, -1)) expect(ids).toEqual([live.session.id]);
    for (const stream of streams) void stream.return();
    opened.closing.abort();
  });

  it("[S91] passes the same event object to all streams", async () => {
    await using opened = await open();
    const { here, jane } = opened;
    const { session } = await here.start(jane);
    const [one, other] = [await here.watch(session), await here.watch(session)];
    await here.start(jane);
    expect((await one.next()).value).toBe((await other.next()).value);
    await Promise.all([one.return(), other.return()]);
  });

  it.each([
    ["session", { session: 2, user: 9, server: 9 }],
    ["user", { session: 9, user: 2, server: 9 }],
    ["server", { session: 9, user: 9, server: 2 }],
  ] as const)("[S91] refuses one stream too many of a %s, until another is closed", async (limit, limits) => {
    await using opened = await open();
    const { jane, joe } = opened;
    const { start, watch, watchSessions } = opened.process(limits);
    const { session } = await start(jane);
    const { session: second } = await start(limit === "server" ? joe : jane);
    const third = limit === "session" ? session : second;
    const first = await watch(session);
    const last = await watch(third);
    const refused = watchSessions(third, new AbortController().signal);
    await expect(refused.next()).rejects.toMatchObject({
      code: "TOO_MANY_STREAMS",
      details: { limit, max: 2, retryAfterSeconds: 30 },
    });
    await last.return();
    const allowed = await watch(third);
    await Promise.all([first.return(), allowed.return()]);
  });

  it("keeps streams open while the database fails or hangs, and polls again", async () => {
    await using opened = await open();
    const { here, elsewhere, jane } = opened;
    const { session } = await here.start(jane);
    const watching = await here.watch(session);
    const news = watching.next();
    const failing = vi.fn(async () => {
      throw new DatabaseUnavailableError("down");
    });
    here.answerLooks(failing);
    await expect.poll(() => failing.mock.calls.length).toBeGreaterThan(1);
    const hanging = vi.fn(() => new Promise<never>(() => {}));
    here.answerLooks(hanging);
    await expect.poll(() => hanging.mock.calls.length).toBeGreaterThan(1);
    await elsewhere.sessions.end(jane, session.id, "revoked", testSource);
    here.answerLooks(null);
    expect((await news).value).toMatchObject({ type: "session_ended", reason: "revoked" });
    await watching.return();
  });

  it("ends the stream of a reader that is too slow", async () => {
    await using opened = await open();
    const { here, jane } = opened;
    const { session } = await here.start(jane);
    const watching = await here.watch(session);
    for (let count = 0; count <= 100; count++) here.events.publish(jane, { type: "password_changed" });
    expect(await watching.next()).toEqual({ done: true, value: undefined });
  });
});
