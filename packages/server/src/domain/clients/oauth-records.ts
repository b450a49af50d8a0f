// Owns what the authorization server stores between requests: codes, refresh tokens, device codes, interactions, its
// own sessions. The ID of many records is a token, so IDs are stored as hashes, and payloads, which repeat them,
// encrypted: a leak of the database reveals no token.

import { hash } from "node:crypto";
import type { Selectable } from "kysely";
import type { Db } from "../../db/database.ts";
import type { OAuthRecordsTable } from "../../db/schema.ts";
import type { Now } from "../kernel/environment.ts";
import type { Secrets } from "../kernel/secrets.ts";
import { liveSessions } from "../sessions/sessions.ts";

export interface OAuthRecord {
  readonly payload: Readonly<Record<string, unknown>>;
  /** Epoch milliseconds; `null`: not used yet. */
  readonly consumedAt: number | null;
  /** The session of ours that the record belongs to, if it still exists. */
  readonly sessionId: string | null;
  /** Whether that session has ended, or never existed. */
  readonly sessionEnded: boolean;
}

export interface NewOAuthRecord {
  readonly payload: Readonly<Record<string, unknown>>;
  /** The record is deleted with this grant. */
  readonly grantId: string | null;
  /** The session of ours that the record belongs to. Default: unchanged. */
  readonly sessionId?: string | null;
  /** The person whom it names; the record is deleted with them. Default: nobody. */
  readonly userId?: string | null;
  /** A second key to find the record by. */
  readonly alias: string | null;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

export type OAuthRecords = ReturnType<typeof createOAuthRecords>;

export const createOAuthRecords = ({ db, now, secrets }: { db: Db; now: Now; secrets: Secrets }) => {
  const encrypt = (payload: object) => secrets.encrypt("oauth-records", JSON.stringify(payload));

  const decrypt = async (encrypted: string): Promise<OAuthRecord["payload"]> => {
    const decrypted = await secrets.decrypt("oauth-records", encrypted);
    if (!decrypted) throw new Error("A record of the authorization server was encrypted under another SECRET");
    return JSON.parse(decrypted.plaintext) as Record<string, unknown>;
  };

  const recordOf = async (
    row: Selectable<OAuthRecordsTable> & { live_session_id: string | null },
  ): Promise<OAuthRecord> => {
    return {
      payload: await decrypt(row.payload),
      consumedAt: row.consumed_at,
      sessionId: row.session_id,
      sessionEnded: row.live_session_id === null,
    };
  };

  return {
    /** Writes a record and replaces one of the same ID, unless `keep` is set. */
    async save(kind: string, id: string, record: NewOAuthRecord, { keep = false } = {}): Promise<void> {
      const hashed = hashOf(kind, id);
      const row = {
        kind,
        payload: await encrypt(record.payload),
        grant_id: record.grantId,
        alias: record.alias === null ? null : hashOf(kind, record.alias),
        expires_at: record.expiresAt,
        // User and session may have been deleted meanwhile.
        user_id:
          record.userId == null
            ? null
            : db.selectFrom("users").select("users.id").where("users.id", "=", record.userId),
        ...(record.sessionId !== undefined && {
          session_id: db.selectFrom("sessions").select("sessions.id").where("sessions.id", "=", record.sessionId),
        }),
      };
      await db
        .insertInto("oauth_records")
        .values({ id: hashed, session_id: null, consumed_at: null, ...row })
        .onConflict((conflict) => (keep ? conflict.doNothing() : conflict.column("id").doUpdateSet(row)))
        .execute();
    },

    /** `null`: there is none, or it has expired. */
    async find(kind: string, by: { id: string } | { alias: string }): Promise<OAuthRecord | null> {
      const row = await db
        .selectFrom("oauth_records")
        .leftJoin(
          () => liveSessions(db, now()).select("sessions.id as live_session_id").as("live"),
          (join) => join.onRef("live.live_session_id", "=", "oauth_records.session_id"),
        )
        .selectAll("oauth_records")
        .select("live.live_session_id")
        .where("kind", "=", kind)
        .where((eb) =>
          eb.and("id" in by ? { "oauth_records.id": hashOf(kind, by.id) } : { alias: hashOf(kind, by.alias) }),
        )
        .where("oauth_records.expires_at", ">", now())
        .executeTakeFirst();
      return row ? recordOf(row) : null;
    },

    /**
     * Detaches records from a session of ours and returns them as they were; each is returned to one caller only,
     * however many call at once. `change` makes the payload that stays.
     */
    async release(
      kind: string,
      sessionId: string,
      change: (payload: OAuthRecord["payload"]) => object,
    ): Promise<OAuthRecord["payload"][]> {
      const rows = await db
        .selectFrom("oauth_records")
        .select(["id", "payload"])
        .where("kind", "=", kind)
        .where("session_id", "=", sessionId)
        .execute();
      const released: OAuthRecord["payload"][] = [];
      for (const { id, payload } of rows) {
        const before = await decrypt(payload);
        const row = await db
          .updateTable("oauth_records")
          .set({ session_id: null, user_id: null, payload: await encrypt(change(before)) })
          .where("id", "=", id)
          .where("session_id", "=", sessionId)
          .returning("id")
          .executeTakeFirst();
        if (row) released.push(before);
      }
      return released;
    },

    /** Uses a record up. `true` for one caller only, however many ask at once; `false`: it was used before. */
    async consume(kind: string, id: string): Promise<boolean> {
      const row = await db
        .updateTable("oauth_records")
        .set({ consumed_at: now() })
        .where("id", "=", hashOf(kind, id))
        .where("consumed_at", "is", null)
        .returning("id")
        .executeTakeFirst();
      return row !== undefined;
    },

    async delete(kind: string, id: string): Promise<void> {
      await db.deleteFrom("oauth_records").where("id", "=", hashOf(kind, id)).execute();
    },

    /** Deletes the records of these grants, in the transaction that ends the grants. */
    async deleteOfGrants(grantIds: readonly string[], transaction: Db = db): Promise<void> {
      if (grantIds.length === 0) return;
      await transaction.deleteFrom("oauth_records").where("grant_id", "in", grantIds).execute();
    },

    /** Deletes up to `limit` expired records, and returns how many. */
    async deleteExpired(limit: number): Promise<number> {
      const { numDeletedRows } = await db
        .deleteFrom("oauth_records")
        .where("id", "in", (query) =>
          query.selectFrom("oauth_records").select("id").where("expires_at", "<=", now()).limit(limit),
        )
        .executeTakeFirst();
      return Number(numDeletedRows);
    },
  };
};

const hashOf = (kind: string, id: string): string => hash("sha256", `${kind}:${id}`, "base64url");
