// Owns the deletion of accounts. A request ends every access and disables the account; until its day, the deletion can be
// cancelled. Then each server's upkeep deletes the rows of the map of personal data, in steps of one transaction each. A
// step locks the user, so any number of servers can take part, and a step of a server that dies is undone.

import { setImmediate as yieldToCalls } from "node:timers/promises";
import { engineRoles, ProofPurpose, type User } from "@lockstep/kit";
import type { Selectable } from "kysely";
import type { Db } from "../../db/database.ts";
import { eraseRows, type Person } from "../../db/personal-data.ts";
import type { DeletionAsker, DeletionsTable } from "../../db/schema.ts";
import type { Grants } from "../clients/grants.ts";
import { type Audit, background, type Source } from "../kernel/audit.ts";
import { DomainError } from "../kernel/domain-error.ts";
import { type Now, type Random, randomId } from "../kernel/environment.ts";
import type { Throttle } from "../kernel/throttle.ts";
import type { Notices } from "../mail/notices.ts";
import type { EndedSessions, Sessions } from "../sessions/sessions.ts";
import type { PersonalDataMap } from "./personal-data.ts";
import type { Proofs } from "./proofs.ts";
import type { Users } from "./users.ts";

const day = 24 * 60 * 60 * 1000;

/** Rows that one step deletes, where nobody else says. */
const stepSize = 200;

/** How long the link works that a sign-in to an account gives, which is to be deleted. */
const signInLinkSeconds = 10 * 60;

/** An account that is to be deleted. Times in epoch milliseconds. */
export interface PendingDeletion {
  readonly requestedBy: DeletionAsker;
  readonly requestedAt: number;
  readonly deletesAt: number;
  /** Whether rows were deleted already: then nothing can be cancelled. */
  readonly started: boolean;
}

export type Deletions = ReturnType<typeof createDeletions>;

export const createDeletions = ({
  db,
  now,
  random,
  users,
  sessions,
  grants,
  proofs,
  notices,
  throttle,
  audit,
  map,
  days,
  roles,
  emptyLog,
}: {
  db: Db;
  now: Now;
  random: Random;
  users: Users;
  sessions: Sessions;
  grants: Grants;
  proofs: Proofs;
  notices: Pick<Notices, "tell" | "deletionRequested" | "accountDeleted">;
  throttle: Pick<Throttle, "lock">;
  audit: Audit;
  map: PersonalDataMap;
  /** How many days a deletion can be cancelled. */
  days: number;
  /** The contract's roles, the least powerful first. */
  roles: readonly string[];
  /** Empties the database's log, which repeats what was deleted. `false`: a read prevents it for now. */
  emptyLog: () => Promise<boolean>;
}) => {
  /** The administrator's role, and those above it. */
  const administrators = roles.slice(roles.indexOf(engineRoles[1]));
  const isAdministrator = ({ role }: User) => administrators.includes(role);

  const hasOtherAdministrator = async (userId: string, transaction: Db): Promise<boolean> => {
    const other = await transaction
      .selectFrom("users")
      .select("id")
      .where("role", "in", administrators)
      .where("disabled", "=", 0)
      .where("id", "!=", userId)
      .executeTakeFirst();
    return other !== undefined;
  };

  /** Not before the last moment in which an earlier address can undo a change: whoever asks may be a thief. */
  const dayOf = (undo: readonly { readonly expiresAt: number }[]) =>
    Math.max(now() + days * day, ...undo.map(({ expiresAt }) => expiresAt));

  const read = async (userId: string, transaction: Db = db): Promise<PendingDeletion | null> => {
    const row = await transaction.selectFrom("deletions").selectAll().where("user_id", "=", userId).executeTakeFirst();
    return row ? pendingFrom(row) : null;
  };

  const linkWithin = (transaction: Db, userId: string, email: string | null, lifetimeSeconds: number) =>
    proofs.issueLinkWithin(
      transaction,
      { purpose: "deletion_cancel", asked: proofs.asked("deletion_cancel", userId), userId, email },
      lifetimeSeconds,
    );

  /** Ends every access. What an earlier address can undo, it still can: that cancels the deletion. */
  const endAccessWithin = async (transaction: Db, userId: string, source: Source) => {
    await grants.revokeAllOf(userId, source, transaction);
    await proofs.cancelWithin(transaction, userId, endedProofs);
    return sessions.endWithin(transaction, userId, { except: null }, "deletion_requested", source);
  };

  /** Tells the owner, with a link to cancel the deletion if they can. Of one that begins at once, the last mail tells. */
  const tellWithin = async (
    transaction: Db,
    user: User,
    { by, deletesAt }: { readonly by: DeletionAsker; readonly deletesAt: number },
    source: Source,
  ) => {
    if (deletesAt <= now()) return;
    const lifetimeSeconds = (deletesAt - now()) / 1000;
    const link = by === "owner" ? await linkWithin(transaction, user.id, user.email, lifetimeSeconds) : null;
    const undo = await proofs.undoAddresses(user.id, transaction);
    const proved = [...(user.emailVerified && user.email ? [user.email] : []), ...undo.map(({ email }) => email)];
    const details = { deletesAt, byAdministrator: by === "operator", cancelSecret: link?.secret ?? null };
    await notices.deletionRequested(user.id, details, proved, source, transaction);
  };

  /** Writes the request, and ends every access. The user is locked. Returns when the account is deleted. */
  const requestWithin = async (transaction: Db, user: User, by: DeletionAsker, at: number | null, source: Source) => {
    const { id: userId } = user;
    const deletesAt = at ?? dayOf(await proofs.undoAddresses(userId, transaction));
    await transaction
      .insertInto("deletions")
      .values({
        user_id: userId,
        requested_by: by,
        requested_at: now(),
        deletes_at: deletesAt,
        started_at: null,
        was_disabled: user.disabled ? 1 : 0,
        pseudonym: `deleted-${randomId(random)}`,
      })
      .execute();
    await users.setDisabled(userId, true, transaction);
    const ended = await endAccessWithin(transaction, userId, source);
    const detail = { by, deletesAt: new Date(deletesAt).toISOString() };
    await audit.record({ action: "user.request_deletion", userId, detail, source }, transaction);
    await tellWithin(transaction, user, { by, deletesAt }, source);
    return { deletesAt, ended };
  };

  /**
   * Cancels a deletion of which nothing was deleted yet. The user is locked. Everything that was granted meanwhile ends:
   * a call may have been under way when the deletion was requested. `null`: there is no such deletion.
   */
  const cancelWithin = async (
    transaction: Db,
    userId: string,
    source: Source,
    { onlyOwners }: { readonly onlyOwners: boolean },
  ): Promise<EndedSessions | null> => {
    const cancelled = await transaction
      .deleteFrom("deletions")
      .where("user_id", "=", userId)
      .where("started_at", "is", null)
      .$if(onlyOwners, (query) => query.where("requested_by", "=", "owner"))
      .returning("was_disabled")
      .executeTakeFirst();
    if (!cancelled) return null;
    await users.setDisabled(userId, cancelled.was_disabled === 1, transaction);
    const ended = await endAccessWithin(transaction, userId, source);
    await audit.record({ action: "user.cancel_deletion", userId, source }, transaction);
    await notices.tell(userId, "deletion_cancelled", {}, source, transaction);
    return ended;
  };

  /** Deletes the user, when nothing else is left of the person but what refers to no table of the map. */
  const finishWithin = async (transaction: Db, person: Person): Promise<void> => {
    const email = (await users.find(person.id, transaction))?.email ?? null;
    await notices.accountDeleted(person.id, [email, ...person.addresses], transaction);
    await transaction.deleteFrom("users").where("id", "=", person.id).execute();
    // Entries that were written since the last step.
    const pseudonym = person.pseudonym ?? "";
    await transaction
      .updateTable("audit_log")
      .set(audit.withoutPerson(pseudonym))
      .where("user_id", "=", person.id)
      .execute();
    await audit.record({ action: "user.delete", userId: pseudonym, source: background }, transaction);
    await transaction.deleteFrom("deletions").where("user_id", "=", person.id).execute();
  };

  /** Deletes up to `limit` rows of an account whose day has come, and returns how many. 0: there is no such account. */
  const step = (userId: string, limit: number): Promise<number> =>
    db.transaction().execute(async (transaction) => {
      await users.lockUser(userId, transaction);
      const started = await transaction
        .updateTable("deletions")
        .set((eb) => ({ started_at: eb.fn.coalesce("started_at", eb.val(now())) }))
        .where("user_id", "=", userId)
        .where("deletes_at", "<=", now())
        .returning("pseudonym")
        .executeTakeFirst();
      const person = started ? await map.personOf(userId, started.pseudonym, transaction) : null;
      if (!person) {
        // Somebody deleted the user without the rest.
        if (started) await transaction.deleteFrom("deletions").where("user_id", "=", userId).execute();
        return 0;
      }
      let left = limit;
      for (const rows of map.erased) {
        if (left > 0) left -= await eraseRows(transaction, rows, person, left);
      }
      if (left <= 0) return limit;
      await finishWithin(transaction, person);
      logHasDeleted = true;
      return limit - left + 1;
    });

  /** Whether the database's log may repeat what was deleted. */
  let logHasDeleted = false;

  const emptyLogAfterwards = async () => {
    if (logHasDeleted && (await emptyLog())) logHasDeleted = false;
  };

  return {
    /** `null`: the account is not to be deleted. */
    find: read,

    /** Those of these users that are to be deleted, by their ID. */
    async findAmong(userIds: readonly string[]): Promise<ReadonlyMap<string, PendingDeletion>> {
      if (userIds.length === 0) return new Map();
      const rows = await db.selectFrom("deletions").selectAll().where("user_id", "in", userIds).execute();
      return new Map(rows.map((row) => [row.user_id, pendingFrom(row)]));
    },

    /** What a request of this user would do: when the account is deleted, and whether the user has to stay. */
    async preview(user: User): Promise<{ deletesAt: number; lastAdministrator: boolean }> {
      return {
        deletesAt: dayOf(await proofs.undoAddresses(user.id, db)),
        lastAdministrator: isAdministrator(user) && !(await hasOtherAdministrator(user.id, db)),
      };
    },

    /**
     * A signed-in user asks for the deletion of their account. Returns when it is deleted.
     * @throws DomainError `LAST_ADMINISTRATOR`; `INVALID_TOKEN` when the account was disabled meanwhile
     */
    async request(user: User, source: Source): Promise<{ deletesAt: number }> {
      const { deletesAt, ended } = await db.transaction().execute(async (transaction) => {
        // Of two administrators who ask at once, one stays.
        if (isAdministrator(user)) await throttle.lock("administrators", transaction);
        const locked = await users.lockEnabledUser(user.id, transaction);
        if (!locked) throw new DomainError("INVALID_TOKEN");
        if (isAdministrator(locked.user) && !(await hasOtherAdministrator(user.id, transaction)))
          throw new DomainError("LAST_ADMINISTRATOR");
        return requestWithin(transaction, locked.user, "owner", null, source);
      });
      ended.announce();
      return { deletesAt };
    },

    /**
     * An operator has an account deleted: on the day on which a request of its owner would, or `immediately`. The owner
     * cannot cancel it. Returns when it is deleted; `null`: there is no such account.
     */
    async requestByOperator(
      userId: string,
      { immediately }: { readonly immediately: boolean },
      source: Source,
    ): Promise<{ deletesAt: number } | null> {
      const requested = await db.transaction().execute(async (transaction) => {
        await users.lockUser(userId, transaction);
        const user = await users.find(userId, transaction);
        if (!user) return null;
        const pending = await read(userId, transaction);
        if (!pending) return requestWithin(transaction, user, "operator", immediately ? now() : null, source);
        const deletesAt = immediately ? Math.min(pending.deletesAt, now()) : pending.deletesAt;
        const change = { requested_by: "operator" as const, deletes_at: deletesAt };
        await transaction.updateTable("deletions").set(change).where("user_id", "=", userId).execute();
        const detail = { by: "operator", deletesAt: new Date(deletesAt).toISOString() };
        await audit.record({ action: "user.request_deletion", userId, detail, source }, transaction);
        const ended = await endAccessWithin(transaction, userId, source);
        if (pending.requestedBy === "owner") await tellWithin(transaction, user, { by: "operator", deletesAt }, source);
        return { deletesAt, ended };
      });
      requested?.ended.announce();
      return requested && { deletesAt: requested.deletesAt };
    },

    /**
     * A link for a person who has just proved who they are, and whose account is to be deleted, in the transaction that
     * checked it. `null`: they cannot cancel it.
     */
    async linkToCancel(userId: string, transaction: Db): Promise<{ secret: string; deletesAt: number } | null> {
      const pending = await read(userId, transaction);
      if (pending?.requestedBy !== "owner" || pending.started) return null;
      const { secret } = await linkWithin(transaction, userId, null, signInLinkSeconds);
      return { secret, deletesAt: pending.deletesAt };
    },

    /**
     * Cancels a deletion that the owner asked for, with a link. Earlier sessions and grants stay revoked.
     * @throws DomainError `PROOF_REFUSED`
     */
    async cancel(secret: string, source: Source): Promise<{ username: string }> {
      const { id, userId } = await proofs.checkLink(secret, "deletion_cancel");
      const { username, ended } = await db.transaction().execute(async (transaction) => {
        await users.lockUser(userId ?? "", transaction);
        const user = await users.find(userId ?? "", transaction);
        if (!user) throw tooLate();
        await proofs.spendWithin(transaction, id);
        const ended = await cancelWithin(transaction, user.id, source, { onlyOwners: true });
        if (!ended) throw tooLate();
        return { username: user.username, ended };
      });
      ended.announce();
      return { username };
    },

    /** Cancels the deletion that the owner asked for, if there is one, in a transaction that has locked the user. */
    cancelOfOwnerWithin: (transaction: Db, userId: string, source: Source): Promise<EndedSessions | null> =>
      cancelWithin(transaction, userId, source, { onlyOwners: true }),

    /** `false`: the account is not to be deleted, or its deletion has begun. */
    async cancelByOperator(userId: string, source: Source): Promise<boolean> {
      const ended = await db.transaction().execute(async (transaction) => {
        await users.lockUser(userId, transaction);
        return cancelWithin(transaction, userId, source, { onlyOwners: false });
      });
      ended?.announce();
      return ended !== null;
    },

    /** Disabling an account that is to be deleted: it stays disabled when the deletion is cancelled. */
    async staysDisabledWithin(transaction: Db, userId: string): Promise<void> {
      await transaction.updateTable("deletions").set({ was_disabled: 1 }).where("user_id", "=", userId).execute();
    },

    /** Deletes up to `limit` rows of accounts whose day has come, and returns how many. */
    async deleteDue(limit: number): Promise<number> {
      let left = limit;
      /** Accounts that could not be deleted. The others must not wait for them. */
      const failed: string[] = [];
      let failure: unknown = null;
      while (left > 0) {
        const due = await db
          .selectFrom("deletions")
          .select("user_id")
          .where("deletes_at", "<=", now())
          .$if(failed.length > 0, (query) => query.where("user_id", "not in", failed))
          .orderBy("deletes_at")
          .executeTakeFirst();
        if (!due) break;
        try {
          left -= await step(due.user_id, left);
        } catch (error) {
          failure ??= error;
          failed.push(due.user_id);
        }
      }
      await emptyLogAfterwards();
      if (failure !== null) throw failure;
      return limit - left;
    },

    /** Deletes an account whose day has come, at once. */
    async complete(userId: string): Promise<void> {
      while ((await step(userId, stepSize)) > 0) await yieldToCalls();
      await emptyLogAfterwards();
    },
  };
};

const endedProofs = ProofPurpose.options.filter((purpose) => purpose !== "email_undo");

const tooLate = () => new DomainError("PROOF_REFUSED", { reason: "expired", triesLeft: 0 });

const pendingFrom = (row: Selectable<DeletionsTable>): PendingDeletion => ({
  requestedBy: row.requested_by,
  requestedAt: row.requested_at,
  deletesAt: row.deletes_at,
  started: row.started_at !== null,
});
