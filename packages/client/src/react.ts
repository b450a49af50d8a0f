// Owns the session in React: whether a user is signed in, for components.

import {
  createContext,
  createElement,
  type ReactElement,
  type ReactNode,
  useContext,
  useEffect,
  useSyncExternalStore,
} from "react";
import { sessionOf } from "./client.ts";
import type { ClientSession, SessionState } from "./session.ts";

export type { SessionState } from "./session.ts";

const SessionContext = createContext<ClientSession | null>(null);

/** The state during server rendering: only the page can find out who is signed in. */
const unknown: SessionState = { status: "loading" };

/** The props of `SessionProvider`. */
export interface SessionProviderProps {
  /** The result of `createClient`. */
  readonly client: object;
  /** Whether to restore the session at once. Default: yes. Otherwise the next call does it. */
  readonly restore?: boolean;
  readonly children?: ReactNode;
}

/** Provides the session of `client` to the components below it, and restores it. */
export const SessionProvider = ({ client, restore = true, children }: SessionProviderProps): ReactElement => {
  const session = sessionOf(client);
  useEffect(() => {
    // A server that cannot be reached leaves the state `loading`, with the error; the next call asks again.
    if (restore) session.restore().catch(() => {});
  }, [session, restore]);
  return createElement(SessionContext.Provider, { value: session }, children);
};

/**
 * Returns the session: whether a user is signed in, which one, or why the session ended.
 * @throws Error outside a `SessionProvider`
 */
export const useSession = (): SessionState => {
  const session = useContext(SessionContext);
  if (!session) throw new Error("useSession needs a SessionProvider around it");
  return useSyncExternalStore(session.subscribe, session.get, () => unknown);
};
