import fc from "fast-check";
import type { KyselyPlugin } from "kysely";
import { describe, expect, it } from "vitest";
import { engines, openTestDatabase } from "../../../test/engines.ts";
import { startSession, testClock, testFactorPolicy, testSessionLimits, testSource, testWorld } from "../../testing.ts";
import { createUsers } from "../accounts/users.ts";
import { createAudit } from "../kernel/audit.ts";
import { DomainError } from "../kernel/domain-error.ts";
import { createSecrets } from "../kernel/secrets.ts";
import { createSessionEvents } from "./session-events.ts";
import { createSessions } from "./sessions.ts";

const secret = "a secret of at least thirty-two characters";
const { idleSeconds, lifetimeSeconds, graceSeconds } = testSessionLimits;

describe.each(engines)("sessions on $engine", ({ newDatabase }) => {
  const open = async (...secrets: string[]) => {
    const database = await openTestDatabase(newDatabase);
    const clock = testClock();
    const world = { db: database.db, ...testWorld(clock.now) };
    const audit = createAudit(world);
    const users = createUsers(world);
    const user = await users.create({
      username: "jane",
      email: null,
      fullName: "Jane",
      role: "user",
      passwordHash: null,
    });
    const sessionsUnder = (
      current: string,
      previous: readonly string[] = [],
      plugin?: KyselyPlugin,
      limits = testSessionLimits,
    ) =>
      createSessions({
        ...world,
        db: plugin ? database.db.withPlugin(plugin) : database.db,
        audit,
        events: createSessionEvents(),
        secrets: createSecrets(current, previous),
        limits,
        policy: testFactorPolicy,
      });
    const sessions = sessionsUnder(secrets[0] ?? secret);
    return { ...database, clock, audit, users, sessions, sessionsUnder, userId: user?.id ?? "" };
  };
  type Opened = Awaited<ReturnType<typeof open>>;

  const reasonOf = async (call: Promise<unknown>) => {
    const error = await call.then(
      () => null,
      (thrown: unknown) => thrown,
    );
    if (error === null) return null;
    if (!(error instanceof DomainError) || error.code !== "SESSION_ENDED") throw error;
    return (error.details as { reason: string }).reason;
  };
  const begin = ({ db, sessions, userId }: Opened) => startSession(db, sessions, userId);
  const refresh = ({ sessions }: Opened, token: string) => sessions.refresh(token, testSource);
  const readBy = ({ sessions }: Opened, token: string) => sessions.readByRefreshToken(token, testSource);

  it("[S22] [S34] issue a new refresh token at each refresh, with 256 bits of MAC", async () => {
    await using opened = await open();
    const first = await begin(opened);
    const second = await refresh(opened, first.refreshToken);
    const third = await refresh(opened, second.refreshToken);
    const texts = [first, second, third].map(({ refreshToken }) => refreshToken);
    expect(new Set(texts).size).toBe(3);
    for (const text of texts) expect(text).toMatch(/^[\w-]{22}\.\d+\.[\w-]{43}$/);
    expect(third.user.username).toBe("jane");
    const stored = JSON.stringify(await opened.db.selectFrom("sessions").selectAll().execute());
    for (const text of texts) expect(stored).not.toContain(text.split(".")[2]);
  });

  it("[S24] return the same successor to all concurrent redemptions of one token", async () => {
    await using opened = await open();
    const { refreshToken } = await begin(opened);
    const answers = await Promise.all(Array.from({ length: 100 }, () => refresh(opened, refreshToken)));
    expect(new Set(answers.map((answer) => answer.refreshToken)).size).toBe(1);
    expect(await reasonOf(refresh(opened, answers[0]?.refreshToken ?? ""))).toBeNull();
  });

  it("[S24] return the same successor to a client that lost the answer, within the grace window", async () => {
    await using opened = await open();
    const { refreshToken } = await begin(opened);
    const lost = await refresh(opened, refreshToken);
    opened.clock.advanceSeconds(graceSeconds);
    expect((await refresh(opened, refreshToken)).refreshToken).toBe(lost.refreshToken);
  });

  it("[S23] end when a replaced token is used after the grace window, including the current token", async () => {
    await using opened = await open();
    const first = await begin(opened);
    const second = await refresh(opened, first.refreshToken);
    opened.clock.advanceSeconds(graceSeconds + 1);
    expect(await reasonOf(refresh(opened, first.refreshToken))).toBe("reused");
    expect(await reasonOf(refresh(opened, second.refreshToken))).toBe("reused");
    expect(await opened.sessions.findLive(first.session.id)).toBeNull();
    const [entry] = await opened.audit.list({ userId: opened.userId, limit: 1 });
    expect(entry).toMatchObject({ action: "session.reuse", sessionId: first.session.id });
  });

  it("[S23] end for an old token, even right after a legitimate refresh", async () => {
    await using opened = await open();
    const first = await begin(opened);
    const second = await refresh(opened, first.refreshToken);
    opened.clock.advanceSeconds(600);
    await refresh(opened, second.refreshToken);
    expect(await reasonOf(refresh(opened, first.refreshToken))).toBe("reused");
  });

  it("[S22] are read by the current token or one of the grace window, which changes nothing", async () => {
    await using opened = await open();
    const first = await begin(opened);
    const second = await refresh(opened, first.refreshToken);
    const before = await opened.db.selectFrom("sessions").selectAll().execute();
    opened.clock.advanceSeconds(graceSeconds);
    for (const { refreshToken } of [first, second]) {
      const read = await readBy(opened, refreshToken);
      expect(read).toMatchObject({ session: first.session, user: { username: "jane" } });
    }
    expect(await opened.db.selectFrom("sessions").selectAll().execute()).toEqual(before);
    expect((await refresh(opened, second.refreshToken)).refreshToken).toContain(`${first.session.id}.2.`);
  });

  it("[S23] end when they are read by a token that was replaced before the grace window", async () => {
    await using opened = await open();
    const first = await begin(opened);
    const second = await refresh(opened, first.refreshToken);
    opened.clock.advanceSeconds(graceSeconds + 1);
    expect(await reasonOf(readBy(opened, first.refreshToken))).toBe("reused");
    expect(await reasonOf(refresh(opened, second.refreshToken))).toBe("reused");
    const [entry] = await opened.audit.list({ userId: opened.userId, limit: 1 });
    expect(entry).toMatchObject({ action: "session.reuse", sessionId: first.session.id });
  });

  it("are due for a refresh ten minutes after the last one, and at once when read by a replaced token", async () => {
    await using opened = await open();
    const first = await begin(opened);
    const isDue = async (token: string) => (await readBy(opened, token)).refreshDue;
    opened.clock.advanceSeconds(599);
    expect(await isDue(first.refreshToken)).toBe(false);
    opened.clock.advanceSeconds(1);
    expect(await isDue(first.refreshToken)).toBe(true);
    const second = await refresh(opened, first.refreshToken);
    expect(await isDue(second.refreshToken)).toBe(false);
    expect(await isDue(first.refreshToken)).toBe(true);
  });

  it("are due for a refresh after half of a short idle time", async () => {
    await using opened = await open();
    const sessions = opened.sessionsUnder(secret, [], undefined, { ...testSessionLimits, idleSeconds: 60 });
    const { refreshToken } = await startSession(opened.db, sessions, opened.userId);
    opened.clock.advanceSeconds(29);
    expect((await sessions.readByRefreshToken(refreshToken, testSource)).refreshDue).toBe(false);
    opened.clock.advanceSeconds(1);
    expect((await sessions.readByRefreshToken(refreshToken, testSource)).refreshDue).toBe(true);
  });

  it("survive rapid refreshes by racing clients", async () => {
    await using opened = await open();
    const first = await begin(opened);
    const second = await refresh(opened, first.refreshToken);
    const third = await refresh(opened, second.refreshToken);
    opened.clock.advanceSeconds(3);
    expect((await refresh(opened, first.refreshToken)).refreshToken).toBe(third.refreshToken);
    expect((await refresh(opened, second.refreshToken)).refreshToken).toBe(third.refreshToken);
  });

  it("[S24] are not set back by a refresh that read before two others and writes after them", async () => {
    await using opened = await open();
    const first = await begin(opened);
    let goOn = () => {};
    const heldUp = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    let hasRead = () => {};
    const read = new Promise<void>((resolve) => {
      hasRead = resolve;
    });
    const slow = opened.sessionsUnder(secret, [], {
      transformQuery: ({ node }) => node,
      async transformResult({ result }) {
        hasRead();
        await heldUp;
        return result;
      },
    });
    const late = slow.refresh(first.refreshToken, testSource);
    await read;
    const second = await refresh(opened, first.refreshToken);
    const third = await refresh(opened, second.refreshToken);
    goOn();
    expect((await late).refreshToken).toBe(third.refreshToken);
    expect(await reasonOf(refresh(opened, third.refreshToken))).toBeNull();
  });

  it("survive a clock that is set back", async () => {
    await using opened = await open();
    const first = await begin(opened);
    opened.clock.advanceSeconds(-3600);
    const second = await refresh(opened, first.refreshToken);
    expect(await reasonOf(refresh(opened, second.refreshToken))).toBeNull();
  });

  it("[S26] [S78] expire when unused, and at the latest after their lifetime", async () => {
    await using opened = await open();
    const idle = await begin(opened);
    opened.clock.advanceSeconds(idleSeconds - 1);
    expect(await opened.sessions.findLive(idle.session.id)).toMatchObject({ user: { username: "jane" } });
    opened.clock.advanceSeconds(1);
    expect(await opened.sessions.findLive(idle.session.id)).toBeNull();
    expect(await reasonOf(refresh(opened, idle.refreshToken))).toBe("expired");

    let used = await begin(opened);
    const { id } = used.session;
    for (let day = 1; day * 24 * 3600 < lifetimeSeconds; day++) {
      opened.clock.advanceSeconds(24 * 3600);
      used = await refresh(opened, used.refreshToken);
    }
    opened.clock.advanceSeconds(24 * 3600);
    expect(await reasonOf(refresh(opened, used.refreshToken))).toBe("expired");
    expect(await opened.sessions.findLive(id)).toBeNull();
  });

  it("[S79] [S81] are not listed after they expired, and not found by their token after they ended", async () => {
    await using opened = await open();
    const { sessions, userId } = opened;
    const ended = await begin(opened);
    expect((await sessions.findByRefreshToken(ended.refreshToken))?.id).toBe(ended.session.id);
    await sessions.end(userId, ended.session.id, "signed_out", testSource);
    expect(await sessions.findByRefreshToken(ended.refreshToken)).toBeNull();
    await begin(opened);
    expect(await sessions.list(userId)).toHaveLength(1);
    opened.clock.advanceSeconds(idleSeconds);
    expect(await sessions.list(userId)).toEqual([]);
  });

  it("[S27] [S79] end for good (one, all, or all others), with the reason", async () => {
    await using opened = await open();
    const { sessions, userId } = opened;
    const [one, two, three] = [await begin(opened), await begin(opened), await begin(opened)];
    expect(await sessions.end(userId, one.session.id, "signed_out", testSource)).toBe(true);
    expect(await sessions.end(userId, one.session.id, "signed_out", testSource)).toBe(false);
    expect(await sessions.end("somebody else", two.session.id, "revoked", testSource)).toBe(false);
    expect(await reasonOf(refresh(opened, one.refreshToken))).toBe("signed_out");
    expect(await sessions.endAllOf(userId, "password_changed", testSource, { except: three.session.id })).toBe(1);
    expect(await reasonOf(refresh(opened, two.refreshToken))).toBe("password_changed");
    expect(await sessions.findLive(three.session.id)).not.toBeNull();
    await opened.users.setDisabled(userId, true);
    expect(await reasonOf(refresh(opened, three.refreshToken))).toBe("disabled");
  });

  it("[S81] are listed with their last address and device, the last seen first", async () => {
    await using opened = await open();
    const first = await begin(opened);
    opened.clock.advanceSeconds(10);
    const second = await begin(opened);
    expect((await opened.sessions.list(opened.userId)).map(({ id }) => id)).toEqual([
      second.session.id,
      first.session.id,
    ]);
    opened.clock.advanceSeconds(10);
    await opened.sessions.refresh(first.refreshToken, { ...testSource, address: "198.51.100.7", userAgent: "another" });
    const [seen] = await opened.sessions.list(opened.userId);
    expect(seen).toEqual({
      id: first.session.id,
      address: "198.51.100.7",
      userAgent: "another",
      createdAt: opened.clock.now() - 20_000,
      lastSeenAt: opened.clock.now(),
    });
  });

  it("refuse every token that this service did not issue, and stay unchanged", async () => {
    await using opened = await open();
    const first = await begin(opened);
    const { refreshToken } = await refresh(opened, first.refreshToken);
    const foreign = await begin(opened);
    const [id = "", generation = "", mac = ""] = refreshToken.split(".");
    const before = await opened.db.selectFrom("sessions").selectAll().orderBy("id").execute();
    const forged = [
      "",
      "x",
      refreshToken.slice(0, -1),
      `${refreshToken}x`,
      `${refreshToken}.`,
      `${mac}.${generation}.${id}`,
      `${id}.${generation}.${foreign.refreshToken.split(".")[2]}`,
      `${foreign.session.id}.${generation}.${mac}`,
      `${id}.0${generation}.${mac}`,
      `${id}.${Number(generation) + 1}.${mac}`,
      `${id}.0.${mac}`,
      `${id}.-1.${mac}`,
      `${id}.9999999999999.${mac}`,
      `${id}.${generation}.${"A".repeat(43)}`,
      `${"A".repeat(22)}.${generation}.${mac}`,
    ];
    for (const token of forged) expect(await reasonOf(refresh(opened, token)), token).toBe("unknown");
    expect(await opened.db.selectFrom("sessions").selectAll().orderBy("id").execute()).toEqual(before);
    expect(await reasonOf(refresh(opened, refreshToken))).toBeNull();
  });

  it("refuse a generation that was never issued, as after restoring a backup, without ending", async () => {
    await using opened = await open();
    const first = await begin(opened);
    const second = await refresh(opened, first.refreshToken);
    await opened.db.updateTable("sessions").set({ generation: 0, replaced: "[]" }).execute();
    expect(await reasonOf(refresh(opened, second.refreshToken))).toBe("unknown");
    expect(await reasonOf(refresh(opened, first.refreshToken))).toBeNull();
  });

  it("survive a change of SECRET while the previous one is configured", async () => {
    await using opened = await open();
    const first = await begin(opened);
    const changed = opened.sessionsUnder("a new secret of at least thirty-two characters", [secret]);
    const second = await changed.refresh(first.refreshToken, testSource);
    const without = opened.sessionsUnder("a new secret of at least thirty-two characters");
    expect(await reasonOf(without.refresh(second.refreshToken, testSource))).toBeNull();
    expect(await reasonOf(without.refresh(first.refreshToken, testSource))).toBe("unknown");
  });

  it("are deleted in steps once they can never be used again", async () => {
    await using opened = await open();
    for (let index = 0; index < 5; index++) await begin(opened);
    expect(await opened.sessions.deleteExpired(3)).toBe(0);
    opened.clock.advanceSeconds(lifetimeSeconds);
    const live = await begin(opened);
    expect(await opened.sessions.deleteExpired(3)).toBe(3);
    expect(await opened.sessions.deleteExpired(3)).toBe(2);
    expect(await opened.sessions.deleteExpired(3)).toBe(0);
    expect(await opened.sessions.findLive(live.session.id)).not.toBeNull();
  });

  it("remember a bounded number of generations, and do not sign out a client that refreshes faster", async () => {
    await using opened = await open();
    const { sessions, db } = opened;
    const { session, refreshToken } = await begin(opened);
    let current = refreshToken;
    for (let count = 0; count < 50; count++) current = (await sessions.refresh(current, testSource)).refreshToken;
    const row = await db.selectFrom("sessions").selectAll().where("id", "=", session.id).executeTakeFirstOrThrow();
    expect(JSON.parse(row.replaced)).toHaveLength(16);
    // Every issued generation is still within the grace window.
    expect((await sessions.refresh(refreshToken, testSource)).refreshToken).toBe(current);
    opened.clock.advanceSeconds(graceSeconds + 1);
    expect((await sessions.refresh(current, testSource)).refreshToken).not.toBe(current);
    await expect(sessions.refresh(refreshToken, testSource)).rejects.toMatchObject({ code: "SESSION_ENDED" });
  });

  it("behave as the model in any order of events", async () => {
    await using opened = await open();
    const { sessions, clock, userId } = opened;

    type Step =
      | { do: "refresh" | "read"; token: number }
      | { do: "end" }
      | { do: "endOthers" }
      | { do: "wait"; seconds: number };
    const step: fc.Arbitrary<Step> = fc.oneof(
      { weight: 6, arbitrary: fc.record({ do: fc.constant("refresh" as const), token: fc.nat(4) }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant("read" as const), token: fc.nat(4) }) },
      { weight: 1, arbitrary: fc.constant({ do: "end" as const }) },
      { weight: 1, arbitrary: fc.constant({ do: "endOthers" as const }) },
      {
        weight: 4,
        arbitrary: fc.record({
          do: fc.constant("wait" as const),
          seconds: fc.constantFrom(1, graceSeconds, graceSeconds + 1, 3600, idleSeconds, lifetimeSeconds),
        }),
      },
    );

    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 15 }), async (steps) => {
        const { session, refreshToken } = await begin(opened);
        // The model: issued tokens, when each was replaced, and why the session ended.
        const tokens = [{ text: refreshToken, replacedAt: null as number | null }];
        let seenAt = clock.now();
        const startedAt = clock.now();
        let over: string | null = null;
        const expired = () =>
          clock.now() >= seenAt + idleSeconds * 1000 || clock.now() >= startedAt + lifetimeSeconds * 1000;

        for (const each of steps) {
          if (each.do === "wait") clock.advanceSeconds(each.seconds);
          else if (each.do === "end") {
            const ended = await sessions.end(userId, session.id, "revoked", testSource);
            expect(ended).toBe(over === null);
            over ??= "revoked";
          } else if (each.do === "endOthers") {
            await sessions.endAllOf(userId, "revoked", testSource, { except: session.id });
          } else {
            const used = tokens[Math.max(0, tokens.length - 1 - each.token)];
            if (!used) continue;
            const call =
              each.do === "read"
                ? sessions.readByRefreshToken(used.text, testSource)
                : sessions.refresh(used.text, testSource);
            const answer = await call.catch((error: DomainError<"SESSION_ENDED">) => error);
            const isReplaced = used.replacedAt !== null;
            const isAccepted = !isReplaced || clock.now() - (used.replacedAt ?? 0) <= graceSeconds * 1000;
            if (over !== null || expired()) {
              expect(answer).toMatchObject({ details: { reason: over ?? "expired" } });
            } else if (!isAccepted) {
              expect(answer).toMatchObject({ details: { reason: "reused" } });
              over = "reused";
            } else if (each.do === "read") {
              expect(answer).toMatchObject({ session });
            } else if (isReplaced) {
              expect(answer).toMatchObject({ refreshToken: tokens.at(-1)?.text });
            } else {
              const next = (answer as { refreshToken: string }).refreshToken;
              expect(tokens.map(({ text }) => text)).not.toContain(next);
              used.replacedAt = clock.now();
              tokens.push({ text: next, replacedAt: null });
              seenAt = clock.now();
            }
          }
          const live = await sessions.findLive(session.id);
          expect(live !== null).toBe(over === null && !expired());
        }
      }),
      { numRuns: 60 },
    );
  });
});
