// Owns every change of an account but its password: creating it, its name and e-mail address, disabling and enabling it.
// Each change and its audit entry are one transaction. Passwords: `password-change.ts`; reading and locking: `users.ts`.

import type { UpdateUserInput, User } from "@lockstep/kit";
import type { Db } from "../../db/database.ts";
import type { Grants } from "../clients/grants.ts";
import type { Audit, AuditAction, Source } from "../kernel/audit.ts";
import { DomainError } from "../kernel/domain-error.ts";
import type { Throttle } from "../kernel/throttle.ts";
import type { Notices } from "../mail/notices.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { NewUser, Users } from "./users.ts";

/** Every attempt counts, since its answer says whether an account has the address. */
const emailChanges = { free: 5, maxWaitSeconds: 60 * 60 };

export interface AccountsOptions {
  readonly db: Db;
  readonly users: Users;
  readonly sessions: Sessions;
  readonly grants: Grants;
  readonly throttle: Throttle;
  readonly audit: Audit;
  readonly notices: Pick<Notices, "emailChanged">;
}

export type Accounts = ReturnType<typeof createAccounts>;

export const createAccounts = ({ db, users, sessions, grants, throttle, audit, notices }: AccountsOptions) => {
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

  /** The audit entry names the changed properties, not their values. */
  const change = (
    userId: string,
    changed: { readonly fullName?: string; readonly email?: string | null },
    action: AuditAction,
    source: Source,
  ): Promise<User> =>
    db.transaction().execute(async (transaction) => {
      await users.lockUser(userId, transaction);
      const before = await users.find(userId, transaction);
      const updated = await users.update(userId, changed, transaction);
      if (!before || !updated) throw new DomainError("INVALID_TOKEN");
      if (before.email !== updated.email) {
        const emails = { oldEmail: before.email, newEmail: updated.email };
        await notices.emailChanged(userId, emails, source, transaction);
      }
      await audit.record({ action, userId, detail: { changed: Object.keys(changed) }, source }, transaction);
      return updated;
    });

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
      change(userId, { fullName }, "user.update", source),

    /**
     * Changes or removes the e-mail address that the account signs in with.
     * @throws DomainError `EMAIL_TAKEN`, `TOO_MANY_ATTEMPTS`; `INVALID_TOKEN` when the account was deleted
     */
    async changeEmail(userId: string, email: string | null, source: Source): Promise<User> {
      await throttle.countGuess([{ name: `email-change:${userId}`, limit: emailChanges }]);
      return change(userId, { email }, "user.change_email", source);
    },

    /** Disables the account and revokes its sessions and grants, in one transaction. */
    async disable(userId: string, source: Source): Promise<void> {
      const ended = await db.transaction().execute(async (transaction) => {
        await users.setDisabled(userId, true, transaction);
        await grants.revokeAllOf(userId, source, transaction);
        await audit.record({ action: "user.disable", userId, source }, transaction);
        return sessions.endWithin(transaction, userId, { except: null }, "disabled", source);
      });
      ended.announce();
    },

    /** Lets the account sign in again. Earlier sessions and grants stay revoked. */
    enable: (userId: string, source: Source): Promise<void> =>
      db.transaction().execute(async (transaction) => {
        await users.setDisabled(userId, false, transaction);
        await audit.record({ action: "user.enable", userId, source }, transaction);
      }),
  };
};
