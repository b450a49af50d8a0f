// Owns watching one's sessions: news as they happen, and the end of the watcher's own session as the last.
//
// Within a process an end is told at once. One that another process made (a command, a second server) is found
// by looking: at most `lookEveryMs` later. Calls never wait for either: the guard reads the session each time.

import type { SessionEvent } from "@lockstep/contract";
import { DomainError } from "./domain-error.ts";
import type { SessionEvents } from "./session-events.ts";
import type { Session, Sessions } from "./sessions.ts";

const lookEveryMs = 1000;

export type WatchSessions = ReturnType<typeof createWatchSessions>;

export const createWatchSessions = ({
  sessions,
  events,
  closing,
}: {
  sessions: Sessions;
  events: SessionEvents;
  closing: AbortSignal;
}) =>
  /**
   * What happens to the sessions of this session's user, until `signal` is aborted or the server closes.
   * @throws DomainError `SESSION_ENDED` when this session itself has ended, with the reason.
   */
  async function* (session: Session, signal: AbortSignal): AsyncGenerator<SessionEvent, void, undefined> {
    const done = new AbortController();
    const stop = AbortSignal.any([signal, closing, done.signal]);
    const looking = setInterval(async () => {
      // A database that does not answer ends nothing: the next look, or the next call, tells.
      const reason = await sessions.endReason(session.id).catch(() => null);
      if (reason) events.publish(session.userId, { type: "session_ended", sessionId: session.id, reason });
    }, lookEveryMs);
    try {
      const news = events.of(session.userId, stop);
      // Asked for before it is awaited, so that nothing is missed between the two.
      const first = news.next();
      yield { type: "watching" };
      for (let next = await first; !next.done; next = await news.next()) {
        const event = next.value;
        yield event;
        if (event.type === "session_ended" && event.sessionId === session.id) {
          throw new DomainError("SESSION_ENDED", { reason: event.reason });
        }
      }
    } finally {
      clearInterval(looking);
      done.abort();
    }
  };
