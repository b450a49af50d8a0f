// Owns grants: what a person allowed a client, one for each consent. A token names its grant, and the guard reads the
// grant on every call, so that revoking it takes effect at once. Asking for consent: `authorization-server/`.

import type { ClientView, ConnectedClient, User } from "@lockstep/kit";
import type { Selectable } from "kysely";
import type { Db } from "../../db/database.ts";
import { lookup } from "../../db/lookup.ts";
import type { GrantsTable } from "../../db/schema.ts";
import { userColumns, userFromJoin } from "../accounts/users.ts";
import type { Audit, AuditAction, Source } from "../kernel/audit.ts";
import type { Now } from "../kernel/environment.ts";
import type { SpentIds } from "../kernel/spent-ids.ts";
import type { Scopes } from "../tokens/scopes.ts";
import type { Clients } from "./clients.ts";
import type { OAuthRecords } from "./oauth-records.ts";

/** The claims of a token about its grant. */
export interface GrantedToken {
  readonly grantId: string;
  /** The token's ID, `jti`. */
  readonly tokenId: string;
  readonly clientId: string;
  readonly userId: string;
}

export type Grants = ReturnType<typeof createGrants>;

export const createGrants = ({
  db,
  now,
  clients,
  scopes,
  audit,
  records,
  spentIds,
  lifetimeSeconds,
}: {
  db: Db;
  now: Now;
  clients: Pick<Clients, "viewFromRow">;
  scopes: Scopes;
  audit: Audit;
  records: OAuthRecords;
  spentIds: SpentIds;
  /** How long a grant lasts after the last token was issued under it. */
  lifetimeSeconds: number;
}) => {
  /** Ends the grants that `which` selects, with everything that was issued under them. Returns how many. */
  const end = (
    which: { id: string } | { user_id: string; application_id: string },
    action: AuditAction,
    source: Source,
  ): Promise<number> =>
    db.transaction().execute(async (transaction) => {
      const ended = await transaction
        .deleteFrom("grants")
        .where((eb) => eb.and(which))
        .returning(["id", "user_id", "application_id"])
        .execute();
      const ids = ended.map(({ id }) => id);
      await records.deleteOfGrants(ids, transaction);
      const [first] = ended;
      if (first) {
        const detail = { client: first.application_id, grants: ids.length };
        await audit.record({ action, userId: first.user_id, detail, source }, transaction);
      }
      return ids.length;
    });

  const read = lookup(db, (asked) =>
    db
      .selectFrom(asked.as("asked"))
      .innerJoin("grants", "grants.id", "asked.value")
      .innerJoin("users", "users.id", "grants.user_id")
      .select(["asked.value as key", ...userColumns, "grants.application_id", "grants.scopes", "grants.expires_at"]),
  );

  /** The grants that still count as consent: their client has not been changed by its owner since. */
  const ofCurrentClients = () =>
    db
      .selectFrom("grants")
      .innerJoin("applications", (join) =>
        join
          .onRef("applications.id", "=", "grants.application_id")
          .onRef("applications.revision", "=", "grants.application_revision"),
      );

  const connected = (client: ClientView, rows: readonly Row[]): ConnectedClient => ({
    client,
    scopes: scopes.worded(new Set(rows.flatMap((row) => scopes.grantableIn(row.scopes)))),
    grantedAt: Math.min(...rows.map((row) => row.created_at)),
    lastUsedAt: Math.max(...rows.map((row) => row.last_used_at)),
  });

  return {
    /**
     * Writes a grant. One of the same ID is replaced, also by concurrent calls.
     * @throws Error when the grant of this ID belongs to another person or client, which is a bug
     */
    async save(
      grant: {
        readonly id: string;
        readonly userId: string;
        readonly clientId: string;
        readonly scopes: readonly string[];
        /** The authorization server's own record of it. */
        readonly payload: object;
      },
      source: Source,
    ): Promise<void> {
      const changing = {
        scopes: grant.scopes.filter(scopes.isGrantable).join(" "),
        payload: JSON.stringify(grant.payload),
        last_used_at: now(),
        expires_at: now() + lifetimeSeconds * 1000,
      };
      const { id, userId, clientId } = grant;
      await db.transaction().execute(async (transaction) => {
        const row = { id, user_id: userId, application_id: clientId, created_at: now(), ...changing };
        const made = await transaction
          .insertInto("grants")
          .values(({ selectFrom }) => ({
            ...row,
            application_revision: selectFrom("applications").select("revision").where("id", "=", clientId),
          }))
          .onConflict((conflict) => conflict.column("id").doNothing())
          .returning("id")
          .executeTakeFirst();
        if (!made) {
          const same = await transaction
            .updateTable("grants")
            .set(changing)
            .where("id", "=", id)
            .where("user_id", "=", userId)
            .where("application_id", "=", clientId)
            .returning("id")
            .executeTakeFirst();
          if (!same) throw new Error("A grant of this ID belongs to another user or client");
          return;
        }
        await transaction
          .updateTable("applications")
          .set({ unused_expires_at: null })
          .where("id", "=", clientId)
          .where("unused_expires_at", "is not", null)
          .execute();
        const detail = { client: clientId, scopes: changing.scopes };
        await audit.record({ action: "grant.approve", userId, detail, source }, transaction);
      });
    },

    /** The authorization server's own record of a grant that has not expired. */
    async payloadOf(id: string): Promise<Record<string, unknown> | null> {
      const row = await db
        .selectFrom("grants")
        .innerJoin("users", "users.id", "grants.user_id")
        .select("payload")
        .where("grants.id", "=", id)
        .where("expires_at", ">", now())
        .where("users.disabled", "=", 0)
        .executeTakeFirst();
      return row ? (JSON.parse(row.payload) as Record<string, unknown>) : null;
    },

    /** Extends the grant when a token is issued under it. `false`: it was revoked, or has expired. */
    async used(id: string): Promise<boolean> {
      const row = await db
        .updateTable("grants")
        .set({ last_used_at: now(), expires_at: now() + lifetimeSeconds * 1000 })
        .where("id", "=", id)
        .where("expires_at", ">", now())
        .returning("id")
        .executeTakeFirst();
      return row !== undefined;
    },

    /**
     * The user and scopes of a token at this moment. `null`: the grant was revoked or has expired or belongs to another
     * user or client, the user is disabled, or the token itself was revoked.
     */
    async findLive(token: GrantedToken): Promise<{ user: User; scopes: readonly string[] } | null> {
      const [row, revoked] = await Promise.all([read(token.grantId), spentIds.isSpent("access-token", token.tokenId)]);
      if (!row || revoked || row.expires_at <= now() || row.disabled === 1) return null;
      if (row.user_id !== token.userId || row.application_id !== token.clientId) return null;
      return { user: userFromJoin(row), scopes: scopes.grantableIn(row.scopes) };
    },

    /**
     * Whether a grant still counts as consent: its client has not been changed by its owner since. Its tokens are valid
     * either way.
     */
    async isForCurrentClient(id: string): Promise<boolean> {
      const row = await ofCurrentClients().select("grants.id").where("grants.id", "=", id).executeTakeFirst();
      return row !== undefined;
    },

    /** The scopes that the user has granted the client in its present form. */
    async scopesOf(userId: string, clientId: string): Promise<ReadonlySet<string>> {
      const rows = await ofCurrentClients()
        .select("scopes")
        .where("user_id", "=", userId)
        .where("application_id", "=", clientId)
        .where("expires_at", ">", now())
        .execute();
      return new Set(rows.flatMap((row) => scopes.grantableIn(row.scopes)));
    },

    /** The clients that a user has granted access, the last used first. `since`: only grants from then on. */
    async list(userId: string, since = 0): Promise<ConnectedClient[]> {
      const rows = await db
        .selectFrom("grants")
        .innerJoin("applications", "applications.id", "grants.application_id")
        .selectAll("grants")
        .select(["applications.name", "applications.metadata", "applications.verified"])
        .where("user_id", "=", userId)
        .where("expires_at", ">", now())
        .where("grants.created_at", ">=", since)
        .orderBy("last_used_at", "desc")
        .execute();
      const byClient = Map.groupBy(rows, (row) => row.application_id);
      return [...byClient].map(([id, some]) => connected(clients.viewFromRow({ ...(some[0] as Row), id }), some));
    },

    /** Revokes every grant of the user to the client. `false`: there was none. */
    revoke: async (userId: string, clientId: string, source: Source): Promise<boolean> =>
      (await end({ user_id: userId, application_id: clientId }, "grant.revoke", source)) > 0,

    /**
     * Revokes every grant of a user, or those of some clients, within the caller's transaction. Returns how many there
     * were.
     */
    async revokeAllOf(
      userId: string,
      source: Source,
      transaction: Db,
      clientIds: readonly string[] | null = null,
    ): Promise<number> {
      if (clientIds?.length === 0) return 0;
      const revoked = await transaction
        .deleteFrom("grants")
        .where("user_id", "=", userId)
        .$if(clientIds !== null, (query) => query.where("application_id", "in", clientIds ?? []))
        .returning(["id", "application_id"])
        .execute();
      await records.deleteOfGrants(
        revoked.map(({ id }) => id),
        transaction,
      );
      const entries = [...Map.groupBy(revoked, (grant) => grant.application_id)].map(([client, some]) => ({
        action: "grant.revoke" as const,
        userId,
        detail: { client, grants: some.length },
        source,
      }));
      await audit.recordAll(entries, transaction);
      return revoked.length;
    },

    /** Ends one grant, when the authorization server's rules require it. */
    end: async (id: string, action: "grant.revoke" | "grant.reuse", source: Source): Promise<void> => {
      await end({ id }, action, source);
    },

    /** Deletes up to `limit` expired grants, and returns how many. */
    async deleteExpired(limit: number): Promise<number> {
      const { numDeletedRows } = await db
        .deleteFrom("grants")
        .where("id", "in", (query) =>
          query.selectFrom("grants").select("id").where("expires_at", "<=", now()).limit(limit),
        )
        .executeTakeFirst();
      return Number(numDeletedRows);
    },
  };
};

type Row = Selectable<GrantsTable> & { name: string; metadata: string; verified: 0 | 1 };
