// Owns the declarations of `session.*`: the signed-in user's sessions.

import { z } from "zod";
import { Id } from "../ids.ts";
import { HistoryEntry, SessionEvent, SessionView } from "../sessions.ts";
import { firstParty, mutation, query, subscription } from "./words.ts";

export const session = {
  list: query({
    summary: "List the signed-in user's sessions",
    access: firstParty(),
    rest: { method: "GET", path: "/users/me/sessions" },
    output: z.array(SessionView.extend({ current: z.boolean() })),
  }),
  revoke: mutation({
    summary: "End one of the signed-in user's sessions",
    access: firstParty(),
    rest: { method: "DELETE", path: "/users/me/sessions/{sessionId}" },
    input: z.object({ sessionId: Id.describe("The ID of a session, from the list of sessions") }),
    output: z.object({}),
    errors: ["SESSION_NOT_FOUND"],
  }),
  revokeOthers: mutation({
    summary: "End all of the signed-in user's sessions except this one",
    access: firstParty(),
    output: z.object({ ended: z.int() }),
  }),
  history: query({
    summary: "List the audit log entries of the signed-in user's account",
    access: firstParty(),
    output: z.array(HistoryEntry),
  }),
  events: subscription({
    summary: "Stream changes of the signed-in user's sessions, until this session ends",
    access: firstParty(),
    output: SessionEvent,
    errors: ["SESSION_ENDED", "TOO_MANY_STREAMS"],
  }),
};
