// Owns creating, renaming, disabling and enabling accounts. Each change and its audit entry are one transaction.
// Passwords: `password-change.ts`, `recovery.ts`; addresses: `email-change.ts`; reading and locking: `users.ts`.

import type { UpdateUserInput, User } from "@lockstep/kit";
import type { Db } from "../../db/database.ts";
import type { Grants } from "../clients/grants.ts";
import type { Audit, Source } from "../kernel/audit.ts";
import { DomainError } from "../kernel/domain-error.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { Deletions } from "./deletion.ts";
import type { NewUser, Users } from "./users.ts";

export interface AccountsOptions {
  readonly db: Db;
  readonly users: Users;
  readonly sessions: Sessions;
  readonly grants: Grants;
  readonly deletions: Pick<Deletions, "find" | "staysDisabledWithin">;
  readonly audit: Audit;
}

export type Accounts = ReturnType<typeof createAccounts>;

export const createAccounts = ({ db, users, sessions, grants, deletions, audit }: AccountsOptions) => {
  /**
   * Creates the users whose username and e-mail address are free, within a transaction, and returns them. `detail` goes
   * into the audit entries.
   */
  const createWithin = async (
    transaction: Db,
    newUsers: readonly NewUser[],
    source: Source,
    detail: Record<string, unknown> = {},
  ): Promise<User[]> => {
    const created = await users.createAll(newUsers, transaction);
    const entries = created.map(({ id }) => ({ action: "user.create" as const, userId: id, detail, source }));
    await audit.recordAll(entries, transaction);
    return created;
  };

  /** Like `createWithin`, in a transaction of its own. */
  const createAll = (newUsers: readonly NewUser[], source: Source): Promise<User[]> =>
    db.transaction().execute((transaction) => createWithin(transaction, newUsers, source));

  return {
    createWithin,
    createAll,

    /** `null`: another account has the username or the e-mail address. */
    async create(newUser: NewUser, source: Source): Promise<User | null> {
      const [created] = await createAll([newUser], source);
      return created ?? null;
    },

    /** @throws DomainError `INVALID_TOKEN` when the account was deleted, and its sessions with it */
    update: (userId: string, { fullName }: UpdateUserInput, source: Source): Promise<User> =>
      db.transaction().execute(async (transaction) => {
        const updated = await users.rename(userId, fullName, transaction);
        if (!updated) throw new DomainError("INVALID_TOKEN");
        // The entry names the changed properties, not their values.
        await audit.record({ action: "user.update", userId, detail: { changed: ["fullName"] }, source }, transaction);
        return updated;
      }),

    /**
     * Takes an address from the account that has it without a proof, in the transaction in which somebody proved it. An
     * address that nobody has proved keeps nobody from using it.
     * @param keeper the account that keeps it. Default: none
     */
    async releaseAddressWithin(transaction: Db, email: string, source: Source, keeper: string | null = null) {
      const userId = await users.releaseEmail(email, keeper, transaction);
      if (userId === null) return;
      const detail = { changed: ["email"], reason: "proved_by_another" };
      await audit.record({ action: "user.change_email", userId, detail, source }, transaction);
    },

    /** An operator vouches for the address of an account. `false`: it has none. */
    verifyEmail: (userId: string, source: Source): Promise<boolean> =>
      db.transaction().execute(async (transaction) => {
        const locked = await users.lockEnabledUser(userId, transaction);
        if (!locked || locked.user.email === null) return false;
        if (locked.emailProof !== null) return true;
        await users.setEmail(userId, { email: locked.user.email, proof: "vouched" }, transaction);
        await audit.record({ action: "user.verify_email", userId, source }, transaction);
        return true;
      }),

    /** Disables the account and revokes its sessions and grants, in one transaction. */
    async disable(userId: string, source: Source): Promise<void> {
      const ended = await db.transaction().execute(async (transaction) => {
        await users.setDisabled(userId, true, transaction);
        await deletions.staysDisabledWithin(transaction, userId);
        await grants.revokeAllOf(userId, source, transaction);
        await audit.record({ action: "user.disable", userId, source }, transaction);
        return sessions.endWithin(transaction, userId, { except: null }, "disabled", source);
      });
      ended.announce();
    },

    /**
     * Lets the account sign in again. Earlier sessions and grants stay revoked.
     * @throws DomainError `DELETION_PENDING` when the account is to be deleted; cancel that
     */
    enable: (userId: string, source: Source): Promise<void> =>
      db.transaction().execute(async (transaction) => {
        await users.lockUser(userId, transaction);
        const pending = await deletions.find(userId, transaction);
        if (pending) throw new DomainError("DELETION_PENDING", { deletesAt: pending.deletesAt, secret: null });
        await users.setDisabled(userId, false, transaction);
        await audit.record({ action: "user.enable", userId, source }, transaction);
      }),
  };
};
