// Owns identities: accounts at identity providers that sign in to an account here. An identity is its issuer and
// subject, never an e-mail address, which can be reassigned (OpenID Connect Core §5.7; OWASP ASVS 6.8.1). Signing in
// with one: `identity-sign-in.ts`.

import type { Identity, Provider, User } from "@lockstep/kit";
import type { Selectable } from "kysely";
import { type Db, isUniqueViolation } from "../../db/database.ts";
import type { IdentitiesTable } from "../../db/schema.ts";
import type { Users } from "../accounts/users.ts";
import type { Audit, Source } from "../kernel/audit.ts";
import { DomainError } from "../kernel/domain-error.ts";
import { type Now, type Random, randomId } from "../kernel/environment.ts";
import type { Sealed } from "../kernel/sealed.ts";
import type { Notices } from "../mail/notices.ts";
import type { EndedSessions, Sessions } from "../sessions/sessions.ts";

/** For whom accounts are created: everybody, nobody, or verified e-mail addresses of these domains. */
export type AccountCreation = "always" | "never" | readonly string[];

/** The settings of an identity provider that the domain uses. */
export interface IdentityProviderRules {
  readonly name: string;
  readonly label: string;
  readonly create: AccountCreation;
  /** Whether signing out here also signs out there. */
  readonly endSession: boolean;
  /** How to ask for a fresh sign-in. Some identity providers only offer to select an account. */
  readonly freshness: "prompt_login" | "select_account";
}

/** A person at an identity provider, as the provider describes them. */
export interface IdentityProfile {
  readonly issuer: string;
  readonly subject: string;
  readonly email: string | null;
  /** Whether the identity provider has verified the address. */
  readonly emailVerified: boolean;
  readonly fullName: string | null;
  /** Their username there, which becomes the username here if it is free. */
  readonly username: string | null;
}

/** The session at the identity provider that a session here started from. */
export interface IdentityProviderSession {
  readonly sessionId: string | null;
  readonly idToken: string | null;
}

export type Identities = ReturnType<typeof createIdentities>;

/** Longer than any session: an ID token stays a hint of who signs out after it has expired (RP-Initiated Logout §2). */
const idTokenLifetimeSeconds = 400 * 24 * 60 * 60;

export const createIdentities = ({
  db,
  now,
  random,
  users,
  sessions,
  sealed,
  audit,
  notices,
  providers,
}: {
  db: Db;
  now: Now;
  random: Random;
  users: Users;
  sessions: Sessions;
  sealed: Sealed;
  audit: Audit;
  notices: Pick<Notices, "tell">;
  providers: readonly IdentityProviderRules[];
}) => {
  const rulesOf = (name: string): IdentityProviderRules | null =>
    providers.find((provider) => provider.name === name) ?? null;

  /** An identity provider that is no longer configured is shown by its name, and cannot be used to sign in. */
  const viewOf = (name: string): Provider => {
    const rules = rulesOf(name);
    return { name, label: rules?.label ?? name, canReauthenticate: rules?.freshness === "prompt_login" };
  };

  const recordUnlinked = async (
    userId: string,
    unlinked: readonly { readonly provider: string }[],
    source: Source,
    transaction: Db,
  ) => {
    const entries = unlinked.map(({ provider }) => ({
      action: "identity.unlink" as const,
      userId,
      detail: { provider },
      source,
    }));
    await audit.recordAll(entries, transaction);
    for (const { provider } of unlinked)
      await notices.tell(userId, "identity_unlinked", { provider: viewOf(provider).label }, source, transaction);
  };

  return {
    providers: providers.map(({ name }) => viewOf(name)),
    rulesOf,

    async find({ issuer, subject }: Pick<IdentityProfile, "issuer" | "subject">) {
      const row = await db
        .selectFrom("identities")
        .selectAll()
        .where("issuer", "=", issuer)
        .where("subject", "=", subject)
        .executeTakeFirst();
      return row ? { id: row.id, userId: row.user_id } : null;
    },

    /** A user's identities, the first linked first. `hasPassword`: whether they can sign in without one. */
    async list(userId: string): Promise<{ hasPassword: boolean; identities: Identity[] }> {
      const rows = await db
        .selectFrom("identities")
        .selectAll()
        .where("user_id", "=", userId)
        .orderBy("linked_at")
        .orderBy("id")
        .execute();
      const view = (row: Selectable<IdentitiesTable>): Identity => ({
        id: row.id,
        provider: viewOf(row.provider),
        email: row.email,
        linkedAt: row.linked_at,
        lastUsedAt: row.last_used_at,
      });
      return { hasPassword: await users.hasPassword(userId), identities: rows.map(view) };
    },

    /**
     * Links an identity to an account, with an audit entry and a notice to the owner. Does nothing when it is linked
     * already. Returns its ID; `null`: it belongs to another account. `within`: the transaction that creates the account,
     * whose owner needs no notice.
     */
    async link(
      userId: string,
      provider: string,
      identity: IdentityProfile,
      source: Source,
      within: Db = db,
    ): Promise<string | null> {
      const write = async (transaction: Db) => {
        const id = randomId(random);
        await transaction
          .insertInto("identities")
          .values({
            id,
            user_id: userId,
            issuer: identity.issuer,
            subject: identity.subject,
            provider,
            email: identity.email,
            linked_at: now(),
            last_used_at: null,
          })
          .execute();
        await audit.record({ action: "identity.link", userId, detail: { provider }, source }, transaction);
        if (within === db)
          await notices.tell(userId, "identity_linked", { provider: viewOf(provider).label }, source, transaction);
        return id;
      };
      try {
        return await (within === db ? db.transaction().execute(write) : write(within));
      } catch (error) {
        if (within !== db || !isUniqueViolation(error)) throw error;
        const known = await this.find(identity);
        return known?.userId === userId ? known.id : null;
      }
    },

    /**
     * Unlinks an identity and ends the sessions that started with it, except `keep`.
     * @throws DomainError `IDENTITY_NOT_FOUND`, `LAST_WAY_IN`
     */
    async unlink(user: Pick<User, "id">, identityId: string, keep: string, source: Source): Promise<void> {
      const ended = await db.transaction().execute(async (transaction) => {
        // Lock first, so that concurrent unlinking and sign-ins of this user run one after the other.
        await users.lockUser(user.id, transaction);
        const rows = await transaction
          .selectFrom("identities")
          .select(["id", "provider"])
          .where("user_id", "=", user.id)
          .execute();
        const unlinked = rows.find(({ id }) => id === identityId);
        if (!unlinked) throw new DomainError("IDENTITY_NOT_FOUND");
        // An identity provider that is no longer configured cannot be used to sign in.
        const others = rows.filter(({ id, provider }) => id !== identityId && rulesOf(provider) !== null);
        if (others.length === 0 && !(await users.hasPassword(user.id, transaction)))
          throw new DomainError("LAST_WAY_IN");
        const begun = await transaction
          .selectFrom("provider_sessions")
          .select("session_id")
          .where("identity_id", "=", identityId)
          .execute();
        await transaction.deleteFrom("identities").where("id", "=", identityId).execute();
        await recordUnlinked(user.id, [unlinked], source, transaction);
        const only = begun.map((row) => row.session_id).filter((sessionId) => sessionId !== keep);
        return sessions.endWithin(transaction, user.id, { only }, "revoked", source);
      });
      ended.announce();
    },

    /** A user's identities that were linked from `since` on (epoch milliseconds). */
    async listLinkedSince(userId: string, since: number): Promise<Identity[]> {
      return (await this.list(userId)).identities.filter(({ linkedAt }) => linkedAt >= since);
    },

    /**
     * Unlinks these identities of a user, in the transaction that gives the account a new password, so that they can
     * still sign in. Ignores IDs that are not linked to the account. The caller revokes the sessions.
     */
    async unlinkAmong(userId: string, ids: readonly string[], source: Source, transaction: Db): Promise<void> {
      if (ids.length === 0) return;
      const unlinked = await transaction
        .deleteFrom("identities")
        .where("user_id", "=", userId)
        .where("id", "in", ids)
        .returning("provider")
        .execute();
      await recordUnlinked(userId, unlinked, source, transaction);
    },

    /** Like `unlinkAmong`, for all identities except `keep`. */
    async unlinkAllOf(userId: string, source: Source, transaction: Db, keep: string | null = null): Promise<void> {
      const unlinked = await transaction
        .deleteFrom("identities")
        .where("user_id", "=", userId)
        .where("id", "!=", keep ?? "")
        .returning("provider")
        .execute();
      await recordUnlinked(userId, unlinked, source, transaction);
    },

    /** Like `unlinkAmong`, for identities that were linked from `since` on. */
    async unlinkSince(userId: string, since: number, source: Source, transaction: Db): Promise<void> {
      const unlinked = await transaction
        .deleteFrom("identities")
        .where("user_id", "=", userId)
        .where("linked_at", ">=", since)
        .returning("provider")
        .execute();
      await recordUnlinked(userId, unlinked, source, transaction);
    },

    /**
     * Records that the identity was used now, under this provider name, in the transaction that starts the session.
     * `false`: it is no longer linked to this account.
     */
    async recordUse(
      { id, userId }: { id: string; userId: string },
      provider: string,
      email: string | null,
      transaction: Db,
    ): Promise<boolean> {
      const row = await transaction
        .updateTable("identities")
        .set({ last_used_at: now(), provider, ...(email !== null && { email }) })
        .where("id", "=", id)
        .where("user_id", "=", userId)
        .returning("id")
        .executeTakeFirst();
      return row !== undefined;
    },

    /** The identity that a session started with. `null`: it started with a password. */
    async identityOf(sessionId: string, transaction: Db): Promise<string | null> {
      const row = await transaction
        .selectFrom("provider_sessions")
        .select("identity_id")
        .where("session_id", "=", sessionId)
        .executeTakeFirst();
      return row?.identity_id ?? null;
    },

    /** Whether an identity is still linked to this account. */
    async isLinked(userId: string, identityId: string, transaction: Db): Promise<boolean> {
      const row = await transaction
        .selectFrom("identities")
        .select("id")
        .where("id", "=", identityId)
        .where("user_id", "=", userId)
        .executeTakeFirst();
      return row !== undefined;
    },

    /** A session that continues another one belongs to the same session at the identity provider, and ends with it. */
    async continueSession(from: string, to: string, transaction: Db): Promise<void> {
      await transaction
        .updateTable("provider_sessions")
        .set({ session_id: to })
        .where("session_id", "=", from)
        .execute();
    },

    /** Records the session at the identity provider that a session here started from. */
    async recordSession(
      sessionId: string,
      identityId: string,
      providerSession: IdentityProviderSession,
      transaction: Db,
    ): Promise<void> {
      await transaction
        .insertInto("provider_sessions")
        .values({
          session_id: sessionId,
          identity_id: identityId,
          provider_session_id: providerSession.sessionId,
          id_token_jwe:
            providerSession.idToken &&
            (await sealed.seal("id-tokens", providerSession.idToken, idTokenLifetimeSeconds)),
        })
        .execute();
    },

    /**
     * Ends the sessions that started with this subject or session of an issuer, and returns how many.
     * @see OpenID Connect Back-Channel Logout 1.0 §2.7
     */
    async endSessionsFrom(
      issuer: string,
      { subject, sessionId }: { subject: string | null; sessionId: string | null },
      source: Source,
    ): Promise<number> {
      const rows = await db
        .selectFrom("provider_sessions")
        .innerJoin("identities", "identities.id", "provider_sessions.identity_id")
        .select(["session_id", "user_id"])
        .where("issuer", "=", issuer)
        .$if(subject !== null, (query) => query.where("subject", "=", subject))
        .$if(sessionId !== null, (query) => query.where("provider_session_id", "=", sessionId))
        .execute();
      const ended = await db.transaction().execute(async (transaction) => {
        const ofUsers: EndedSessions[] = [];
        for (const [userId, some] of Map.groupBy(rows, (row) => row.user_id)) {
          const only = some.map((row) => row.session_id);
          ofUsers.push(await sessions.endWithin(transaction, userId, { only }, "provider_signed_out", source));
        }
        return ofUsers;
      });
      for (const { announce } of ended) announce();
      return ended.reduce((sum, { count }) => sum + count, 0);
    },

    /** The identity provider to sign out at when this session signs out, with the sealed ID token. `null`: none. */
    async logoutOf(sessionId: string): Promise<{ provider: string; idTokenJwe: string } | null> {
      const row = await db
        .selectFrom("provider_sessions")
        .innerJoin("identities", "identities.id", "provider_sessions.identity_id")
        .select(["provider", "id_token_jwe"])
        .where("session_id", "=", sessionId)
        .executeTakeFirst();
      if (!row?.id_token_jwe || !rulesOf(row.provider)?.endSession) return null;
      return { provider: row.provider, idTokenJwe: row.id_token_jwe };
    },
  };
};
