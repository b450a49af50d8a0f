// Owns the steps that end the session on this page: signing out, and signing in again. The end of the session is then
// not announced.

import type { ClientSession } from "@lockstep/client";
import { useSyncExternalStore } from "react";
import { useAppContext } from "../app/context.ts";

export type Steps = ReturnType<typeof createSteps>;

export const createSteps = (session: ClientSession) => {
  /** Whether the user ended the session on this page. */
  let left = false;
  let leaving = false;
  /** Whether another session is about to replace this one. */
  let replacing = false;
  const listeners = new Set<() => void>();
  const tell = () => {
    for (const listener of [...listeners]) listener();
  };
  session.subscribe(() => {
    if (session.get().status === "signedIn" && !leaving) left = false;
  });

  return {
    left: () => left,
    replacing: () => replacing,
    subscribe(listener: () => void) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    /** Runs a sign-out, so that the end of the session counts as the user's choice. */
    async leave<T>(signOut: () => Promise<T>): Promise<T> {
      left = leaving = true;
      try {
        return await signOut();
      } finally {
        leaving = false;
        if (session.get().status !== "signedOut") left = false;
      }
    },
    /** Runs a sign-in of a user who is already signed in. */
    async replace<T>(signIn: () => Promise<T>): Promise<T> {
      replacing = true;
      tell();
      try {
        return await signIn();
      } finally {
        replacing = false;
        tell();
      }
    },
  };
};

/** Whether another session is about to replace this one. */
export const useReplacing = (): boolean => {
  const { steps } = useAppContext();
  return useSyncExternalStore(steps.subscribe, steps.replacing);
};
