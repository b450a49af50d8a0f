// Owns sessions: one row for each time somebody signed in to one of our own apps.

import type { User } from "@lockstep/contract";
import type { Db } from "../db/database.ts";
import { type Now, type Random, randomId } from "./environment.ts";
import { userFromRow } from "./users.ts";

/** How long a session lasts at the longest, whatever its holder does. @see NIST SP 800-63B-4 §2.1.3 (AAL1: 30 days) */
export const sessionLifetimeSeconds = 30 * 24 * 60 * 60;

export interface Session {
  readonly id: string;
  readonly userId: string;
  /** When the person last proved who they are: epoch milliseconds. */
  readonly authenticatedAt: number;
}

export type Sessions = ReturnType<typeof createSessions>;

export const createSessions = ({ db, now, random }: { db: Db; now: Now; random: Random }) => ({
  /** A new session for a person who just proved who they are; never one that existed before. */
  async start(userId: string): Promise<Session> {
    const id = randomId(random);
    const startedAt = now();
    await db
      .insertInto("sessions")
      .values({
        id,
        user_id: userId,
        created_at: startedAt,
        authenticated_at: startedAt,
        expires_at: startedAt + sessionLifetimeSeconds * 1000,
        ended_at: null,
      })
      .execute();
    return { id, userId, authenticatedAt: startedAt };
  },

  /** The session and its user as they are at this moment. `null`: ended, expired, or the user is disabled. */
  async findLive(id: string): Promise<{ session: Session; user: User } | null> {
    const row = await db
      .selectFrom("sessions")
      .innerJoin("users", "users.id", "sessions.user_id")
      .select([
        "users.id",
        "users.username",
        "users.email",
        "users.full_name",
        "users.role",
        "users.disabled",
        "users.created_at",
        "sessions.authenticated_at",
      ])
      .where("sessions.id", "=", id)
      .where("sessions.ended_at", "is", null)
      .where("sessions.expires_at", ">", now())
      .where("users.disabled", "=", 0)
      .executeTakeFirst();
    if (!row) return null;
    return { session: { id, userId: row.id, authenticatedAt: row.authenticated_at }, user: userFromRow(row) };
  },

  /** Ends a session for good, at once. Ending it again changes nothing. */
  async end(id: string): Promise<void> {
    await db
      .updateTable("sessions")
      .set({ ended_at: now() })
      .where("id", "=", id)
      .where("ended_at", "is", null)
      .execute();
  },

  /** Ends every session of a user. */
  async endAllOf(userId: string): Promise<void> {
    await db
      .updateTable("sessions")
      .set({ ended_at: now() })
      .where("user_id", "=", userId)
      .where("ended_at", "is", null)
      .execute();
  },
});
