// Owns the table of factors: which ones an account has, adding, renaming and removing them. Each change tells the owner
// and is audited. Adding one: `enrolments.ts`.

import type { Factor, FactorKind, FactorList, User } from "@lockstep/kit";
import type { Selectable } from "kysely";
import type { Db } from "../../db/database.ts";
import type { FactorsTable } from "../../db/schema.ts";
import type { LockedUser, Users } from "../accounts/users.ts";
import { type Audit, background, type Source } from "../kernel/audit.ts";
import { DomainError } from "../kernel/domain-error.ts";
import { type Now, type Random, randomId } from "../kernel/environment.ts";
import type { Notices } from "../mail/notices.ts";
import type { Session, Sessions } from "../sessions/sessions.ts";
import type { FactorPolicy } from "./factor-policy.ts";
import type { RecoveryCodes } from "./recovery-codes.ts";
import type { TrustedDevices } from "./trusted-devices.ts";

/** A code opens an account with any of its apps, so more of them are easier to guess. */
const maxFactors: Readonly<Record<FactorKind, number>> = { totp: 3, passkey: 20 };

export interface NewFactor extends Pick<Selectable<FactorsTable>, "kind" | "name" | "material" | "counter"> {
  /** `null`: it is no passkey. */
  readonly credentialId: string | null;
}

export interface FactorOwner {
  readonly user: User;
  readonly session: Session;
}

export type Factors = ReturnType<typeof createFactors>;

export const createFactors = ({
  db,
  now,
  random,
  users,
  sessions,
  policy,
  recoveryCodes,
  trustedDevices,
  audit,
  notices,
  resetWaitSeconds,
}: {
  db: Db;
  now: Now;
  random: Random;
  users: Users;
  sessions: Sessions;
  policy: FactorPolicy;
  recoveryCodes: RecoveryCodes;
  trustedDevices: TrustedDevices;
  audit: Audit;
  notices: Pick<Notices, "tell">;
  /** How long an operator's reset waits for the owner to stop it. 0: not at all. */
  resetWaitSeconds: number;
}) => {
  const rowsOf = (userId: string, transaction: Db = db) =>
    transaction
      .selectFrom("factors")
      .selectAll()
      .where("user_id", "=", userId)
      .orderBy("created_at")
      .orderBy("id")
      .execute();

  /** @throws DomainError `INVALID_TOKEN` when the account was disabled or deleted */
  const lock = async (transaction: Db, userId: string): Promise<LockedUser> => {
    const locked = await users.lockEnabledUser(userId, transaction);
    if (!locked) throw new DomainError("INVALID_TOKEN");
    return locked;
  };

  /** What protects an account without factors protects nothing, and must not surprise it when it has one again. */
  const forgetRest = async (transaction: Db, userId: string): Promise<void> => {
    await recoveryCodes.deleteAllWithin(transaction, userId);
    await trustedDevices.forgetAllWithin(transaction, userId);
  };

  /** Removes every factor and ends all sessions. The caller has locked the user. */
  const resetWithin = async (transaction: Db, userId: string, detail: Record<string, unknown>, source: Source) => {
    await transaction.updateTable("users").set({ factor_reset_at: null }).where("id", "=", userId).execute();
    const removed = await transaction.deleteFrom("factors").where("user_id", "=", userId).returning("id").execute();
    await forgetRest(transaction, userId);
    const said = { ...detail, factors: removed.length };
    await audit.record({ action: "factor.reset", userId, detail: said, source }, transaction);
    await notices.tell(userId, "factors_reset", {}, source, transaction);
    return {
      count: removed.length,
      ended: await sessions.endWithin(transaction, userId, { except: null }, "revoked", source),
    };
  };

  /** Stops a reset that is under way. The caller has locked the user. Returns whether one was. */
  const cancelResetWithin = async (transaction: Db, userId: string, source: Source): Promise<boolean> => {
    const stopped = await transaction
      .updateTable("users")
      .set({ factor_reset_at: null })
      .where("id", "=", userId)
      .where("factor_reset_at", "is not", null)
      .returning("id")
      .executeTakeFirst();
    if (!stopped) return false;
    await audit.record({ action: "factor.cancel_reset", userId, source }, transaction);
    await notices.tell(userId, "factors_reset_cancelled", {}, source, transaction);
    return true;
  };

  return {
    cancelResetWithin,

    /** The account's factors, the oldest first. */
    list: async (userId: string, transaction: Db = db): Promise<Factor[]> =>
      (await rowsOf(userId, transaction)).map(factorFromRow),

    /** Everything that a user sees of their factors. */
    async overview(userId: string): Promise<Omit<FactorList, "passkeys">> {
      const [factors, recoveryCodesLeft, devices, subject, resetsAt] = await Promise.all([
        this.list(userId),
        recoveryCodes.count(userId),
        trustedDevices.list(userId),
        users.findForPolicy(userId),
        this.resetAt(userId),
      ]);
      return {
        factors,
        recoveryCodesLeft,
        trustedDevices: devices,
        required: subject !== null && policy.covers(subject),
        dueAt: subject && policy.dueAt(subject),
        resetsAt,
      };
    },

    /**
     * Adds a factor. The caller has locked the user. `null`: another account, or this one, has this passkey.
     * @throws DomainError `TOO_MANY_FACTORS`
     */
    async addWithin(transaction: Db, userId: string, factor: NewFactor, source: Source): Promise<Factor | null> {
      const { kind, name, material, counter, credentialId } = factor;
      await this.assertRoom(userId, kind, transaction);
      const row = await transaction
        .insertInto("factors")
        .values({
          id: randomId(random),
          user_id: userId,
          kind,
          name,
          material,
          credential_id: credentialId,
          counter,
          created_at: now(),
          last_used_at: now(),
        })
        .onConflict((conflict) => conflict.column("credential_id").doNothing())
        .returningAll()
        .executeTakeFirst();
      if (!row) return null;
      await audit.record({ action: "factor.add", userId, detail: { kind, factor: row.id }, source }, transaction);
      await notices.tell(userId, "factor_added", { kind, name }, source, transaction);
      return factorFromRow(row);
    },

    /** @throws DomainError `TOO_MANY_FACTORS` */
    async assertRoom(userId: string, kind: FactorKind, transaction: Db = db): Promise<void> {
      const same = (await rowsOf(userId, transaction)).filter((row) => row.kind === kind);
      const max = maxFactors[kind];
      if (same.length >= max) throw new DomainError("TOO_MANY_FACTORS", { max });
    },

    /** @throws DomainError `FACTOR_NOT_FOUND`, also for another user's; `INVALID_TOKEN` */
    rename: (userId: string, factorId: string, name: string, source: Source): Promise<Factor> =>
      db.transaction().execute(async (transaction) => {
        await lock(transaction, userId);
        const row = await transaction
          .updateTable("factors")
          .set({ name })
          .where("id", "=", factorId)
          .where("user_id", "=", userId)
          .returningAll()
          .executeTakeFirst();
        if (!row) throw new DomainError("FACTOR_NOT_FOUND");
        await audit.record({ action: "factor.rename", userId, detail: { factor: factorId }, source }, transaction);
        await notices.tell(userId, "factor_renamed", { kind: row.kind, name }, source, transaction);
        return factorFromRow(row);
      }),

    /**
     * Removes a factor. Ends the other sessions that it was proved in, and takes its proof from this one. With the last
     * factor go the recovery codes and the trusted devices.
     * @throws DomainError `FACTOR_NOT_FOUND`, also for another user's; `LAST_FACTOR`; `INVALID_TOKEN`
     */
    async remove({ user: { id: userId }, session }: FactorOwner, factorId: string, source: Source): Promise<void> {
      const ended = await db.transaction().execute(async (transaction) => {
        const locked = await lock(transaction, userId);
        const rows = await rowsOf(userId, transaction);
        const row = rows.find(({ id }) => id === factorId);
        if (!row) throw new DomainError("FACTOR_NOT_FOUND");
        if (rows.length === 1 && policy.covers(locked)) throw new DomainError("LAST_FACTOR");
        await transaction.deleteFrom("factors").where("id", "=", factorId).execute();
        if (rows.length === 1) {
          await forgetRest(transaction, userId);
          await cancelResetWithin(transaction, userId, source);
        }
        const detail = { kind: row.kind, factor: factorId };
        await audit.record({ action: "factor.remove", userId, detail, source }, transaction);
        await notices.tell(userId, "factor_removed", { kind: row.kind, name: row.name }, source, transaction);
        const only = await sessions.withdrawFactorWithin(transaction, userId, factorId, session.id);
        return sessions.endWithin(transaction, userId, { only }, "revoked", source);
      });
      ended.announce();
    },

    /** An operator requires a second factor of a user, or no longer does, whatever the policy says. */
    require: (userId: string, required: boolean, source: Source): Promise<void> =>
      db.transaction().execute(async (transaction) => {
        await users.requireFactor(userId, required, transaction);
        await audit.record({ action: "factor.require", userId, detail: { required }, source }, transaction);
      }),

    /**
     * Removes the factors that were added from `since` on, in the transaction that gives an account back to its owner:
     * whoever added them kept the owner out.
     */
    async removeSince(userId: string, since: number, source: Source, transaction: Db): Promise<void> {
      const removed = await transaction
        .deleteFrom("factors")
        .where("user_id", "=", userId)
        .where("created_at", ">=", since)
        .returning(["id", "kind", "name"])
        .execute();
      for (const { id, kind, name } of removed) {
        await audit.record({ action: "factor.remove", userId, detail: { kind, factor: id }, source }, transaction);
        await notices.tell(userId, "factor_removed", { kind, name }, source, transaction);
      }
      if (removed.length > 0) await forgetRest(transaction, userId);
    },

    /**
     * Begins to remove every factor of an account, for an operator, when its owner has lost them. It takes effect after the
     * waiting period, unless somebody proves one of the factors before. Returns when: epoch milliseconds. A reset that is
     * under way keeps its time. `null`: nothing to wait for; call `reset`.
     */
    async requestReset(userId: string, source: Source): Promise<number | null> {
      return db.transaction().execute(async (transaction) => {
        await users.lockUser(userId, transaction);
        if (resetWaitSeconds === 0 || (await rowsOf(userId, transaction)).length === 0) return null;
        const resetsAt = now() + resetWaitSeconds * 1000;
        const begun = await transaction
          .updateTable("users")
          .set({ factor_reset_at: resetsAt })
          .where("id", "=", userId)
          .where("factor_reset_at", "is", null)
          .returning("id")
          .executeTakeFirst();
        if (!begun) return this.resetAt(userId, transaction);
        await audit.record({ action: "factor.request_reset", userId, detail: { resetsAt }, source }, transaction);
        await notices.tell(userId, "factors_reset_requested", { resetsAt }, source, transaction);
        return resetsAt;
      });
    },

    /** When the reset that is under way takes effect: epoch milliseconds. `null`: none is. */
    async resetAt(userId: string, transaction: Db = db): Promise<number | null> {
      const row = await transaction
        .selectFrom("users")
        .select("factor_reset_at")
        .where("id", "=", userId)
        .executeTakeFirst();
      return row?.factor_reset_at ?? null;
    },

    /** Its owner or an operator stops a reset. Returns whether one was under way. */
    cancelReset: (userId: string, source: Source): Promise<boolean> =>
      db.transaction().execute(async (transaction) => {
        await users.lockUser(userId, transaction);
        return cancelResetWithin(transaction, userId, source);
      }),

    /** Removes the factors of up to `limit` accounts whose waiting period is over, and returns of how many. */
    async resetDue(limit: number): Promise<number> {
      const due = await db
        .selectFrom("users")
        .select("id")
        .where("factor_reset_at", "<=", now())
        .limit(limit)
        .execute();
      for (const { id } of due) {
        const reset = await db.transaction().execute(async (transaction) => {
          await users.lockUser(id, transaction);
          // The owner, or another server, may have been first.
          const resetsAt = await this.resetAt(id, transaction);
          return resetsAt === null || resetsAt > now() ? null : resetWithin(transaction, id, {}, background);
        });
        reset?.ended.announce();
      }
      return due.length;
    },

    /**
     * Removes every factor of an account at once, for an operator: also the last one, and ends all sessions. Returns how
     * many.
     * @param detail for the audit log: why it did not wait
     */
    async reset(userId: string, source: Source, detail: { readonly reason?: string } = {}): Promise<number> {
      const { ended, count } = await db.transaction().execute(async (transaction) => {
        await users.lockUser(userId, transaction);
        return resetWithin(transaction, userId, detail, source);
      });
      ended.announce();
      return count;
    },

    /** @throws DomainError `TRUSTED_DEVICE_NOT_FOUND`, also for another user's */
    forgetDevice: (userId: string, deviceId: string, source: Source): Promise<void> =>
      db.transaction().execute(async (transaction) => {
        if (!(await trustedDevices.forgetWithin(transaction, userId, deviceId)))
          throw new DomainError("TRUSTED_DEVICE_NOT_FOUND");
        await audit.record({ action: "factor.forget_device", userId, source }, transaction);
      }),
  };
};

const factorFromRow = ({ id, kind, name, created_at, last_used_at }: Selectable<FactorsTable>): Factor => ({
  id,
  kind,
  name,
  createdAt: created_at,
  lastUsedAt: last_used_at,
});
