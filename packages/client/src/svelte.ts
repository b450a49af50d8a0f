// Owns the session in Svelte: whether a user is signed in, as a store. It imports nothing of Svelte's: a store is any
// object with this `subscribe`. @see https://svelte.dev/docs/svelte/stores#Store-contract

import { sessionOf } from "./client.ts";
import type { SessionState } from "./session.ts";

export type { SessionState } from "./session.ts";

/** A readable Svelte store of the session. */
export interface SessionStore {
  /** Calls `run` with the state, at once and after each change. Returns a function that ends this. */
  subscribe(run: (state: SessionState) => void): () => void;
}

/**
 * Returns the session of `client` as a store: whether a user is signed in, which one, or why the session ended. Its first
 * subscriber in a browser restores the session. During server rendering the state is `loading`.
 */
export const sessionStore = (client: object): SessionStore => {
  const session = sessionOf(client);
  const inBrowser = typeof window !== "undefined";
  return {
    subscribe(run) {
      if (!inBrowser) {
        run({ status: "loading" });
        return () => {};
      }
      const stop = session.subscribe(() => run(session.get()));
      run(session.get());
      // A server that cannot be reached leaves the state `loading`, with the error; the next call asks again.
      session.restore().catch(() => {});
      return stop;
    },
  };
};
