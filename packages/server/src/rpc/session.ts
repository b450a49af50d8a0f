// Owns the procedures about the signed-in user's sessions and the history of their account.

import { engine } from "@lockstep/kit";
import type { Audit } from "../domain/kernel/audit.ts";
import { DomainError } from "../domain/kernel/domain-error.ts";
import type { Sessions } from "../domain/sessions/sessions.ts";
import type { WatchSessions } from "../domain/sessions/watch-sessions.ts";
import { implement } from "./trpc.ts";

/** The number of entries in an account's history. */
const historyLength = 100;

export const sessionProcedures = ({
  sessions,
  watchSessions,
  audit,
}: {
  sessions: Sessions;
  watchSessions: WatchSessions;
  audit: Audit;
}) => ({
  list: implement(engine.session.list).handle(async ({ ctx }) => {
    const { user, session } = ctx.principal;
    return (await sessions.list(user.id)).map((each) => ({ ...each, current: each.id === session.id }));
  }),

  revoke: implement(engine.session.revoke).handle(async ({ ctx, input }) => {
    const ended = await sessions.end(ctx.principal.user.id, input.sessionId, "revoked", ctx.source);
    if (!ended) throw new DomainError("SESSION_NOT_FOUND");
    return {};
  }),

  revokeOthers: implement(engine.session.revokeOthers).handle(async ({ ctx }) => {
    const { user, session } = ctx.principal;
    return { ended: await sessions.endAllOf(user.id, "revoked", ctx.source, { except: session.id }) };
  }),

  history: implement(engine.session.history).handle(async ({ ctx }) => {
    const entries = await audit.list({ userId: ctx.principal.user.id, limit: historyLength });
    return entries.map(({ source, ...entry }) => ({ ...entry, address: source.address, userAgent: source.userAgent }));
  }),

  events: implement(engine.session.events).handle(({ ctx, signal }) =>
    watchSessions(ctx.principal.session, signal ?? new AbortController().signal),
  ),
});
