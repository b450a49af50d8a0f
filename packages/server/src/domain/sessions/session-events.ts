// Owns the news of sessions while it is fresh: within this process, from whoever changes a session to whoever
// watches. What happened in another process: the watcher looks at its session again (`watch-sessions.ts`).

import { EventEmitter } from "node:events";
import type { SessionEvent } from "@lockstep/kit";

export type SessionEvents = ReturnType<typeof createSessionEvents>;

export const createSessionEvents = () => {
  const emitter = new EventEmitter();
  emitter.setMaxListeners(0);
  const anybody = Symbol("anybody");
  return {
    publish(userId: string, event: SessionEvent): void {
      // Frozen, so that whoever passes it on may do once for all what they make of it.
      Object.freeze(event);
      emitter.emit(userId, event);
      emitter.emit(anybody, userId, event);
    },

    /** Calls with what happens to anybody's sessions from now on; the same may be told more than once. */
    onEach(listener: (userId: string, event: SessionEvent) => void): void {
      emitter.on(anybody, listener);
    },
  };
};
