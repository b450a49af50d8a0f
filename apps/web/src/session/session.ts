// Owns whether somebody is signed in on this page, and why not, as the pages tell it. Tokens, other tabs and
// the session itself are the client's business.

import type { ClientSession } from "@lockstep/client";
import type { SessionEndReason } from "@lockstep/kit";
import { type Failure, readFailure } from "../failures/failure.ts";

export type SessionState =
  /** The page has just loaded, and asks whether this browser is still signed in. */
  | { readonly status: "starting" }
  /** It got no answer. */
  | { readonly status: "unanswered"; readonly failure: Failure }
  | {
      readonly status: "signed-in";
      readonly userId: string | undefined;
      readonly sessionId: string | undefined;
      /** Whether another session is about to take the place of this one. */
      readonly replacing: boolean;
    }
  /** `left`: by their own choice, on this very page. */
  | { readonly status: "signed-out"; readonly because: "not-yet" | "left" | SessionEndReason };

// While the app is worked on, a change of the contract arrives here with the words of failures. It stops here: the
// session goes on, and the page is not loaded afresh.
import.meta.hot?.accept("../failures/failure.ts", () => {});

export const createSession = (client: ClientSession) => {
  let leaving = false;
  let replacing = false;
  const listeners = new Set<() => void>();

  const read = (): SessionState => {
    const now = client.get();
    switch (now.status) {
      case "loading":
        return now.error === undefined
          ? { status: "starting" }
          : { status: "unanswered", failure: readFailure("auth.refresh", now.error) };
      case "signedIn":
        return { status: "signed-in", userId: now.user?.id, sessionId: now.sessionId, replacing };
      case "signedOut":
        return { status: "signed-out", because: leaving ? "left" : (now.reason ?? "not-yet") };
    }
  };

  let state = read();
  const update = () => {
    state = read();
    for (const listener of [...listeners]) listener();
  };
  client.subscribe(update);

  return {
    get: () => state,
    /** Asks whether this browser is still signed in; the state tells what came of it. */
    start: (): Promise<unknown> => client.restore().catch(() => {}),
    /** Calls `listener` after each change; the returned function ends that. */
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
    /** Runs a sign-in of whoever is signed in already: the end of their session so far is no news. */
    async replace<T>(signIn: () => Promise<T>): Promise<T> {
      replacing = true;
      update();
      try {
        return await signIn();
      } finally {
        replacing = false;
        update();
      }
    },
  };
};
