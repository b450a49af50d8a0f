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
  readonly children?: ReactNode;
}

/** Gives the components below it the session of `client`, and finds out whether somebody is signed in. */
export const SessionProvider = ({ client, children }: SessionProviderProps) => {
  const session = sessionOf(client);
  useEffect(() => {
    // A server that cannot be reached leaves the state `loading`, with the error; the next call asks again.
    session.restore().catch(() => {});
  }, [session]);
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
