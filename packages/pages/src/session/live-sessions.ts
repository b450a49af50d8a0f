// Follows changes of the account's sessions elsewhere while the page is open.

import { useSession } from "@lockstep/client/react";
import { useEffect, useSyncExternalStore } from "react";
import { useAppContext } from "../app/context.ts";
import { useNews } from "./news.ts";
import { followSessions } from "./session-list.ts";
import { useReplacing } from "./steps.ts";

const visibility = {
  get: () => document.visibilityState === "visible",
  subscribe(listener: () => void) {
    document.addEventListener("visibilitychange", listener);
    return () => document.removeEventListener("visibilitychange", listener);
  },
};

/**
 * Watches the sessions of the signed-in user while it is rendered and the page is visible. Over HTTP/1.1 a browser has
 * six connections to a server: hidden tabs must not use them up.
 */
export const LiveSessions = () => {
  const context = useAppContext();
  const { backend, news } = context;
  const session = useSession();
  const replacing = useReplacing();
  const visible = useSyncExternalStore(visibility.subscribe, visibility.get);
  const watched = session.status === "signedIn" && !replacing && visible ? session.sessionId : null;
  useEffect(() => {
    if (watched === null) return;
    // The client reconnects automatically, and handles the end of this session.
    const watching = backend.client.session.events.subscribe(undefined, {
      onData: (event) => followSessions(context, event),
      onError() {},
    });
    return () => watching.unsubscribe();
  }, [watched]);
  useEffect(() => news.forget, []);
  // The user signed in again in another tab of this browser: that session replaces this one.
  const { signIn } = useNews();
  useEffect(() => {
    if (signIn && signIn.id === watched) news.tell({ signIn: null });
  }, [signIn, watched]);
  return null;
};
