// Owns the interface of the sessions page to changes of sessions while the page is open.

import { useAppContext } from "../app/context.ts";
import { type SessionNews, useNews } from "./news.ts";
import { dropOtherSessions, dropSession } from "./session-list.ts";

/** Changes of the account's sessions, and functions to update their list. */
export interface SessionChanges {
  /** The last change, to be announced. */
  readonly latest: SessionNews | null;
  /** Ends the announcement. */
  forgetLatest(): void;
  /** Removes a session that has ended from the list. */
  drop(sessionId: string): void;
  /** Removes all sessions but the current one from the list. */
  dropOthers(): void;
}

/** Returns the changes of the account's sessions while the page is open. */
export const useSessionChanges = (): SessionChanges => {
  const context = useAppContext();
  return {
    latest: useNews().event,
    forgetLatest: () => context.news.tell({ event: null }),
    drop: (sessionId) => dropSession(context, sessionId),
    dropOthers: () => dropOtherSessions(context),
  };
};
