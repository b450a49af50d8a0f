// Owns the page's knowledge of the account's sessions while it is open: the list that was read, kept in step
// with what happens to them here and elsewhere.

import type { SessionEvent } from "@lockstep/kit";
import { useEffect, useSyncExternalStore } from "react";
import { client, queryClient, trpc } from "../backend.ts";
import { deviceOf } from "../words/device.ts";
import { news, useNews } from "./news.ts";
import { useSession } from "./use-session.ts";

const listKey = trpc.session.list.queryKey();

const readAgain = () => {
  void queryClient.invalidateQueries({ queryKey: listKey });
  readHistoryAgain();
};
const readHistoryAgain = () => void queryClient.invalidateQueries({ queryKey: trpc.session.history.queryKey() });

/** Takes a session that has ended from the list, and says so; not a second time. */
export const dropSession = (sessionId: string): void => {
  const dropped = queryClient.getQueryData(listKey)?.find(({ id }) => id === sessionId);
  if (news.get().signIn?.id === sessionId) news.tell({ signIn: null });
  if (!dropped) return;
  queryClient.setQueryData(listKey, (sessions) => sessions?.filter((session) => session !== dropped));
  news.tell({ sentence: `The session of ${deviceOf(dropped.userAgent).name} has ended.` });
};

/** Takes all but the current session from the list, and says so. */
export const dropOtherSessions = (): void => {
  queryClient.setQueryData(listKey, (sessions) => sessions?.filter(({ current }) => current));
  news.tell({ sentence: "All other sessions have ended.", signIn: null });
};

const follow = (event: SessionEvent) => {
  switch (event.type) {
    case "watching":
      // What happened while nobody watched.
      return readAgain();
    case "signed_in": {
      const { session } = event;
      queryClient.setQueryData(listKey, (sessions) =>
        sessions?.some(({ id }) => id === session.id)
          ? sessions
          : sessions && [...sessions, { ...session, current: false }],
      );
      news.tell({ sentence: `${deviceOf(session.userAgent).name} signed in.`, signIn: session });
      return readHistoryAgain();
    }
    case "session_ended":
      dropSession(event.sessionId);
      return readHistoryAgain();
    case "password_changed":
      return readHistoryAgain();
  }
};

const visibility = {
  get: () => document.visibilityState === "visible",
  subscribe(listener: () => void) {
    document.addEventListener("visibilitychange", listener);
    return () => document.removeEventListener("visibilitychange", listener);
  },
};

/**
 * Follows the sessions of whoever is signed in, for as long as they are and the page is in sight: over HTTP/1.1 a
 * browser has six connections to a server, and tabs that nobody looks at must not hold them all.
 */
export const useLiveSessions = (): void => {
  const session = useSession();
  const visible = useSyncExternalStore(visibility.subscribe, visibility.get);
  const watched = session.status === "signed-in" && !session.replacing && visible ? session.sessionId : null;
  useEffect(() => {
    if (watched === null) return;
    // The client connects again by itself, and knows what to make of the end of this very session.
    const watching = client.session.events.subscribe(undefined, { onData: follow, onError() {} });
    return () => watching.unsubscribe();
  }, [watched]);
  const signedIn = session.status === "signed-in";
  useEffect(() => {
    if (signedIn) return news.forget;
  }, [signedIn]);
  // Somebody who signed in, in another tab of this very browser, to take this session's place.
  const { signIn } = useNews();
  useEffect(() => {
    if (signIn && signIn.id === watched) news.tell({ signIn: null });
  }, [signIn, watched]);
};
