// Owns what the authorization server remembers between two requests: codes, refresh tokens, device codes,
// interactions, its own sessions. The id of many a record is a token that somebody holds, so ids are stored as
// hashes, and payloads, which repeat them, encrypted: a leak of the database gives nobody a token.

import { hash } from "node:crypto";
import type { Selectable } from "kysely";
import type { Db } from "../../db/database.ts";
import type { OAuthRecordsTable } from "../../db/schema.ts";
import type { Now } from "../kernel/environment.ts";
import type { Secrets } from "../kernel/secrets.ts";

export interface OAuthRecord {
  readonly payload: Readonly<Record<string, unknown>>;
  /** Epoch milliseconds; `null` while it can be used. */
  readonly consumedAt: number | null;
  /** The session of ours that it ends with. */
  readonly sessionId: string | null;
  /** Whether no such session lives: it has ended, or there never was one. */
  readonly sessionEnded: boolean;
}

export interface NewOAuthRecord {
  readonly payload: Readonly<Record<string, unknown>>;
  /** Ends with this grant. */
  readonly grantId: string | null;
  /** The sign-in to our own app that it ends with. Left out: as it was. */
  readonly sessionId?: string | null;
  /** A second name that it is found by. */
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
    /** Writes a record; one of the same id is replaced, unless `keep` says that the first one stays. */
    async save(kind: string, id: string, record: NewOAuthRecord, { keep = false } = {}): Promise<void> {
      const hashed = hashOf(kind, id);
      const row = {
        kind,
        payload: await encrypt(record.payload),
        grant_id: record.grantId,
        alias: record.alias === null ? null : hashOf(kind, record.alias),
        expires_at: record.expiresAt,
        // A session that was deleted meanwhile is none.
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
          (query) =>
            query
              .selectFrom("sessions")
              .innerJoin("users", "users.id", "sessions.user_id")
              .select("sessions.id as live_session_id")
              .where("sessions.ended_at", "is", null)
              .where("sessions.expires_at", ">", now())
              .where("sessions.idle_expires_at", ">", now())
              .where("users.disabled", "=", 0)
              .as("live"),
          (join) => join.onRef("live.live_session_id", "=", "oauth_records.session_id"),
        )
        .selectAll("oauth_records")
        .select("live.live_session_id")
        .where("kind", "=", kind)
        .$if("id" in by, (query) => query.where("oauth_records.id", "=", hashOf(kind, "id" in by ? by.id : "")))
        .$if("alias" in by, (query) => query.where("alias", "=", hashOf(kind, "alias" in by ? by.alias : "")))
        .where("oauth_records.expires_at", ">", now())
        .executeTakeFirst();
      return row ? recordOf(row) : null;
    },

    /**
     * Takes what belongs to a session of ours apart from it, and answers what it was: of any number at once, one caller
     * is told of each record. `change` makes what is left of it.
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
          .set({ session_id: null, payload: await encrypt(change(before)) })
          .where("id", "=", id)
          .where("session_id", "=", sessionId)
          .returning("id")
          .executeTakeFirst();
        if (row) released.push(before);
      }
      return released;
    },

    /** Uses a record up. `false`: somebody did before; of any number at once, one is told `true`. */
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

    /** Deletes what ends with these grants; `transaction` is the one in which they end. */
    async deleteOfGrants(grantIds: readonly string[], transaction: Db = db): Promise<void> {
      if (grantIds.length === 0) return;
      await transaction.deleteFrom("oauth_records").where("grant_id", "in", grantIds).execute();
    },

    /** Deletes up to `limit` records that have expired, and answers how many. */
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
