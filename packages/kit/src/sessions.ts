// Owns the shapes of sessions, as their user sees them, and of the events about them.

import { z } from "zod";

/** Why a session ended. `unknown`: the server never issued the token. */
export const SessionEndReason = z.enum([
  "signed_out",
  "revoked",
  "password_changed",
  "disabled",
  /** The account is to be deleted. */
  "deletion_requested",
  /** The user needs a second factor, and has none: the next sign-in adds it. */
  "factor_required",
  "expired",
  "reused",
  /** They signed out at the identity provider that they had signed in with. */
  "provider_signed_out",
  "unknown",
]);
export type SessionEndReason = z.infer<typeof SessionEndReason>;

/** A session, as its user sees it. */
export const SessionView = z.object({
  id: z.string(),
  /** The IP address of the last refresh, or of the sign-in. */
  address: z.string().nullable(),
  userAgent: z.string().nullable(),
  /** Epoch milliseconds. */
  createdAt: z.int(),
  /** The last refresh, or the sign-in: epoch milliseconds. */
  lastSeenAt: z.int(),
});
export type SessionView = z.infer<typeof SessionView>;

/** A change of the user's sessions, as `session.events` sends it. */
export const SessionEvent = z.discriminatedUnion("type", [
  /** The stream has started: earlier changes are in `session.list`. */
  z.object({ type: z.literal("watching") }),
  z.object({ type: z.literal("signed_in"), session: SessionView }),
  z.object({ type: z.literal("session_ended"), sessionId: z.string(), reason: SessionEndReason }),
  z.object({ type: z.literal("password_changed") }),
]);
export type SessionEvent = z.infer<typeof SessionEvent>;

/** One entry of a user's part of the audit log. */
export const HistoryEntry = z.object({
  id: z.string(),
  /** Epoch milliseconds. */
  at: z.int(),
  action: z.string(),
  outcome: z.enum(["done", "refused"]),
  sessionId: z.string().nullable(),
  address: z.string().nullable(),
  userAgent: z.string().nullable(),
});
export type HistoryEntry = z.infer<typeof HistoryEntry>;
