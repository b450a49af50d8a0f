// Owns event streams about one's sessions, which end with the watcher's own session, and how many streams may be open.
//
// Within a process, the end of a session is published at once. The end that another process caused (a command, another
// server) is heard from it on PostgreSQL, and found by polling the database: one query for all watched sessions, however
// many streams each has. Calls do not depend on either: the guard reads the session each time.

import type { ErrorDetails, SessionEvent } from "@lockstep/kit";
import { outsideOfCalls } from "../../db/time-limit.ts";
import { DomainError } from "../kernel/domain-error.ts";
import type { SessionEvents } from "./session-events.ts";
import type { Session, Sessions } from "./sessions.ts";

/** The maximum numbers of open streams. A browser opens one for each visible tab. */
export type StreamLimits = Readonly<Record<ErrorDetails<"TOO_MANY_STREAMS">["limit"], number>>;

const defaultLimits: StreamLimits = { session: 20, user: 100, server: 10_000 };

/**
 * Events that may wait for a slow reader. With more, its stream ends, and the client reconnects and reads everything
 * again.
 */
const maxPendingEvents = 100;

/** Sessions that one query reads, so that no poll blocks the event loop for long. */
const sessionsPerQuery = 500;

/** The part of the polls that remains, for what was changed by hand and told by nobody. */
const ticksWhileInformed = 5;

/** How long a refused client waits: streams end when tabs are closed. */
const retryAfterSeconds = 30;

export interface WatchSessionsOptions {
  readonly sessions: Pick<Sessions, "endReason">;
  readonly events: SessionEvents;
  /** Aborted when the server closes: ends all streams without an error. */
  readonly closing: AbortSignal;
  readonly limits?: StreamLimits;
  readonly lookEveryMs?: number;
  /** Whether other processes tell this one about every change, so that it may poll less often. */
  readonly isInformed?: () => boolean;
  /** After this time a poll without an answer is abandoned. The next one starts as usual. */
  readonly lookLimitMs?: number;
}

export type WatchSessions = ReturnType<typeof createWatchSessions>;

export const createWatchSessions = ({
  sessions,
  events,
  closing,
  limits = defaultLimits,
  lookEveryMs = 1000,
  lookLimitMs = 5000,
  isInformed = () => false,
}: WatchSessionsOptions) => {
  const bySession = new Map<string, Set<Watcher>>();
  const byUser = new Map<string, Set<Watcher>>();
  let streams = 0;
  let timer: NodeJS.Timeout | undefined;
  let looking = false;
  let ticks = 0;

  events.onEach((userId, event) => {
    for (const watcher of byUser.get(userId) ?? []) watcher.push(event);
  });
  closing.addEventListener("abort", () => {
    for (const watchers of bySession.values()) for (const watcher of watchers) watcher.end();
  });

  const lookAt = async (watched: readonly Watcher[]) => {
    await Promise.all(
      watched.map(async ({ session: { id, userId } }) => {
        const reason = await sessions.endReason(id);
        // In the meantime, the watcher may have got its end and left.
        if (reason && bySession.has(id))
          events.publish(userId, { type: "session_ended", sessionId: id, reason }, "elsewhere");
      }),
    );
  };

  const look = async () => {
    if (looking || (isInformed() && ticks++ % ticksWhileInformed !== 0)) return;
    looking = true;
    // A copy: watchers come and go during the query.
    const watched = [...bySession.values()].flatMap(([first]) => (first && !first.isOver() ? first : []));
    try {
      for (let from = 0; from < watched.length; from += sessionsPerQuery)
        await within(lookLimitMs, lookAt(watched.slice(from, from + sessionsPerQuery)));
    } catch {
      // A database that does not answer ends no stream: the next poll, or the next call, finds the end.
    } finally {
      looking = false;
    }
  };

  const assertRoom = ({ id, userId }: Session) => {
    const open = { session: bySession.get(id)?.size ?? 0, user: byUser.get(userId)?.size ?? 0, server: streams };
    for (const limit of ["session", "user", "server"] as const)
      if (open[limit] >= limits[limit])
        throw new DomainError("TOO_MANY_STREAMS", { limit, max: limits[limit], retryAfterSeconds });
  };

  const add = (watcher: Watcher) => {
    const { id, userId } = watcher.session;
    insert(bySession, id, watcher);
    insert(byUser, userId, watcher);
    streams++;
    // Polling is not part of the call that started it.
    timer ??= outsideOfCalls(() => setInterval(look, lookEveryMs));
    if (closing.aborted) watcher.end();
  };

  const remove = (watcher: Watcher) => {
    const { id, userId } = watcher.session;
    removeFrom(bySession, id, watcher);
    removeFrom(byUser, userId, watcher);
    streams--;
    if (streams > 0) return;
    clearInterval(timer);
    timer = undefined;
  };

  /**
   * The events of this session's user, until `signal` is aborted or the server closes.
   * @throws DomainError `TOO_MANY_STREAMS` before the first event; `SESSION_ENDED` with the reason when this session
   * has ended
   */
  return async function* (session: Session, signal: AbortSignal): AsyncGenerator<SessionEvent, void, undefined> {
    if (signal.aborted) return;
    assertRoom(session);
    const watcher = createWatcher(session);
    add(watcher);
    signal.addEventListener("abort", watcher.end);
    try {
      yield watching;
      for (let event = await watcher.next(); event !== null; event = await watcher.next()) {
        yield event;
        if (event.type === "session_ended" && event.sessionId === session.id)
          throw new DomainError("SESSION_ENDED", { reason: event.reason });
      }
    } finally {
      signal.removeEventListener("abort", watcher.end);
      remove(watcher);
    }
  };
};

/** One object for all streams, so that transports parse and serialize it once. */
const watching: SessionEvent = Object.freeze({ type: "watching" });

type Watcher = ReturnType<typeof createWatcher>;

/** One stream, with the events that its reader has not read yet. */
const createWatcher = (session: Session) => {
  const pending: SessionEvent[] = [];
  let ended = false;
  let over = false;
  let wake = () => {};
  const end = () => {
    ended = true;
    wake();
  };
  return {
    session,
    end,
    /** Whether the end of its session is among its events, so that polling can skip it. */
    isOver: () => over,
    push(event: SessionEvent) {
      over ||= event.type === "session_ended" && event.sessionId === session.id;
      if (pending.length >= maxPendingEvents) return end();
      pending.push(event);
      wake();
    },
    /** `null`: the stream ends. */
    async next(): Promise<SessionEvent | null> {
      while (!ended) {
        const event = pending.shift();
        if (event) return event;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return null;
    },
  };
};

const insert = (sets: Map<string, Set<Watcher>>, key: string, watcher: Watcher) => {
  const set = sets.get(key);
  if (set) set.add(watcher);
  else sets.set(key, new Set([watcher]));
};

const removeFrom = (sets: Map<string, Set<Watcher>>, key: string, watcher: Watcher) => {
  const set = sets.get(key);
  set?.delete(watcher);
  if (set?.size === 0) sets.delete(key);
};

const within = (limitMs: number, promise: Promise<void>): Promise<void> => {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  return Promise.race([promise, limit]).finally(() => clearTimeout(timer));
};
