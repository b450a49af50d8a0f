// Owns session events within this process. What another process changed is heard from it (`server-news.ts`), or found by
// polling (`watch-sessions.ts`).

import { EventEmitter } from "node:events";
import type { SessionEvent } from "@lockstep/kit";

/** Whether this process made the change. */
export type EventOrigin = "here" | "elsewhere";

export type SessionEvents = ReturnType<typeof createSessionEvents>;

export const createSessionEvents = () => {
  const emitter = new EventEmitter();
  emitter.setMaxListeners(0);
  const anybody = Symbol("anybody");
  return {
    publish(userId: string, event: SessionEvent, origin: EventOrigin = "here"): void {
      // Frozen, so that transports can cache what they derive from it.
      Object.freeze(event);
      emitter.emit(userId, event);
      emitter.emit(anybody, userId, event, origin);
    },

    /** Calls `listener` for every session event. The same event may be published more than once. */
    onEach(listener: (userId: string, event: SessionEvent, origin: EventOrigin) => void): void {
      emitter.on(anybody, listener);
    },
  };
};
