// Owns the page's list of the account's sessions, and updates it with changes made here and elsewhere.

import type { SessionEvent } from "@lockstep/kit";
import type { AppContextValue } from "../app/context.ts";

type Context = Pick<AppContextValue, "backend" | "news">;

/** Removes a session that has ended, and announces it once. */
export const dropSession = ({ backend: { queryClient, trpc }, news }: Context, sessionId: string): void => {
  const listKey = trpc.session.list.queryKey();
  const dropped = queryClient.getQueryData(listKey)?.find(({ id }) => id === sessionId);
  if (news.get().signIn?.id === sessionId) news.tell({ signIn: null });
  if (!dropped) return;
  queryClient.setQueryData(listKey, (sessions) => sessions?.filter((session) => session !== dropped));
  news.tell({ event: { type: "ended", userAgent: dropped.userAgent } });
};

/** Removes all sessions but the current one, and announces it. */
export const dropOtherSessions = ({ backend: { queryClient, trpc }, news }: Context): void => {
  queryClient.setQueryData(trpc.session.list.queryKey(), (sessions) => sessions?.filter(({ current }) => current));
  news.tell({ event: { type: "othersEnded" }, signIn: null });
};

/** Brings the list up to date with an event. */
export const followSessions = (context: Context, event: SessionEvent): void => {
  const { backend, news } = context;
  const { queryClient, trpc } = backend;
  const listKey = trpc.session.list.queryKey();
  switch (event.type) {
    case "watching":
      // Events before this one were not received.
      void queryClient.invalidateQueries({ queryKey: listKey });
      break;
    case "signed_in": {
      const { session } = event;
      queryClient.setQueryData(listKey, (sessions) =>
        sessions?.some(({ id }) => id === session.id)
          ? sessions
          : sessions && [...sessions, { ...session, current: false }],
      );
      news.tell({ event: { type: "signedIn", userAgent: session.userAgent }, signIn: session });
      break;
    }
    case "session_ended":
      dropSession(context, event.sessionId);
      break;
    case "password_changed":
      break;
  }
  void queryClient.invalidateQueries({ queryKey: trpc.session.history.queryKey() });
};
