// Owns the session in React: whether somebody is signed in, for components.

import { createContext, createElement, type ReactNode, useContext, useEffect, useSyncExternalStore } from "react";
import { sessionOf } from "./client.ts";
import type { ClientSession, SessionState } from "./session.ts";

const SessionContext = createContext<ClientSession | null>(null);

/** On a server nobody is known to be signed in: the page finds out. */
const unknown: SessionState = { status: "loading" };

/** The props of `SessionProvider`. */
export interface SessionProviderProps {
  /** What `createClient` made. */
  readonly client: object;
  /** Whether to find out at once whether somebody is signed in. Default: yes. Otherwise the next call does. */
  readonly restore?: boolean;
  readonly children?: ReactNode;
}

/** Gives the components below it the session of `client`, and finds out whether somebody is signed in. */
export const SessionProvider = ({ client, restore = true, children }: SessionProviderProps) => {
  const session = sessionOf(client);
  useEffect(() => {
    // A server that cannot be reached leaves the state `loading`, with the error; the next call asks again.
    if (restore) session.restore().catch(() => {});
  }, [session, restore]);
  return createElement(SessionContext.Provider, { value: session }, children);
};

/**
 * Whether somebody is signed in, who, and if not, why not any more.
 * @throws Error outside a `SessionProvider`
 */
export const useSession = (): SessionState => {
  const session = useContext(SessionContext);
  if (!session) throw new Error("useSession needs a SessionProvider around it");
  return useSyncExternalStore(session.subscribe, session.get, () => unknown);
};
