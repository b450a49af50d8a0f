// Owns what is told of the account's sessions while they change: one sentence at a time, and the last sign-in
// elsewhere until somebody has seen it.

import type { SessionView } from "@lockstep/kit";
import { useSyncExternalStore } from "react";

export interface News {
  /** For whoever looks at the sessions now. */
  readonly sentence: string;
  readonly signIn: SessionView | null;
}

const none: News = { sentence: "", signIn: null };
let current = none;
const listeners = new Set<() => void>();

export const news = {
  get: () => current,
  subscribe(listener: () => void) {
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  },
  tell(change: Partial<News>) {
    current = { ...current, ...change };
    for (const listener of [...listeners]) listener();
  },
  forget: () => news.tell(none),
};

export const useNews = () => useSyncExternalStore(news.subscribe, news.get);
