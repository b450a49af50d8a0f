// Owns whether somebody is signed in on this page, and why not. Tokens are the client's business.

import type { TokenStore } from "@lockstep/client";

export type SessionState =
  | { readonly signedIn: true }
  /** `left`: by their own choice. `ended`: the server no longer knows the session. */
  | { readonly signedIn: false; readonly because: "not-yet" | "left" | "ended" };

/** Follows `tokens`: signed in is to hold some. */
export const createSession = (tokens: TokenStore) => {
  let state: SessionState = tokens.get() ? { signedIn: true } : { signedIn: false, because: "not-yet" };
  let leaving = false;
  const listeners = new Set<() => void>();

  tokens.subscribe(() => {
    const signedIn = tokens.get() !== null;
    if (signedIn === state.signedIn) return;
    state = signedIn ? { signedIn } : { signedIn, because: leaving ? "left" : "ended" };
    for (const listener of listeners) listener();
  });

  return {
    get: () => state,
    /** Calls `listener` when somebody signed in or out; the returned function ends that. */
    subscribe(listener: () => void) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    /** Runs a sign-out, so that the end of the session counts as the person's choice. */
    async leave<T>(signOut: () => Promise<T>): Promise<T> {
      leaving = true;
      try {
        return await signOut();
      } finally {
        leaving = false;
      }
    },
  };
};
