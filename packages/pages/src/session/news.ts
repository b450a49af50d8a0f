// Owns the announcements of session changes: one event at a time, and the last sign-in elsewhere until the user has
// seen it.

import type { SessionView } from "@lockstep/kit";
import { useSyncExternalStore } from "react";
import { useAppContext } from "../app/context.ts";

/** A change of the account's other sessions. */
export type SessionNews =
  | { readonly type: "ended" | "signedIn"; readonly userAgent: string | null }
  | { readonly type: "othersEnded" };

export interface NewsState {
  /** The last event, for the sessions page. */
  readonly event: SessionNews | null;
  /** The last sign-in elsewhere. */
  readonly signIn: SessionView | null;
}

const none: NewsState = { event: null, signIn: null };

export type News = ReturnType<typeof createNews>;

export const createNews = () => {
  let current = none;
  const listeners = new Set<() => void>();
  const tell = (change: Partial<NewsState>) => {
    current = { ...current, ...change };
    for (const listener of [...listeners]) listener();
  };
  return {
    get: () => current,
    subscribe(listener: () => void) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    tell,
    forget: () => tell(none),
  };
};

export const useNews = (): NewsState => {
  const { news } = useAppContext();
  return useSyncExternalStore(news.subscribe, news.get);
};
