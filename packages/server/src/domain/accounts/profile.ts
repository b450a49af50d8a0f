// Owns changing what an account says about its owner, and the address that they sign in with.

import type { UpdateUserInput, User } from "@lockstep/kit";
import type { Db } from "../../db/database.ts";
import type { Audit, AuditAction, Source } from "../kernel/audit.ts";
import { DomainError } from "../kernel/domain-error.ts";
import type { Throttle } from "../kernel/throttle.ts";
import type { Users } from "./users.ts";

/** Every attempt counts, since its answer says whether an account has the address. */
const emailChanges = { free: 5, maxWaitSeconds: 60 * 60 };

export type Profile = ReturnType<typeof createProfile>;

export const createProfile = ({
  db,
  users,
  throttle,
  audit,
}: {
  db: Db;
  users: Users;
  throttle: Throttle;
  audit: Audit;
}) => {
  /** The audit entry says what was changed, and not from what to what. */
  const change = (
    userId: string,
    changed: { readonly fullName?: string; readonly email?: string | null },
    action: AuditAction,
    source: Source,
  ): Promise<User> =>
    db.transaction().execute(async (transaction) => {
      const updated = await users.update(userId, changed, transaction);
      if (!updated) throw new DomainError("INVALID_TOKEN");
      await audit.record({ action, userId, detail: { changed: Object.keys(changed) }, source }, transaction);
      return updated;
    });

  return {
    /** @throws DomainError `INVALID_TOKEN` when the account is gone, and its sessions with it */
    update: (userId: string, { fullName }: UpdateUserInput, source: Source): Promise<User> =>
      change(userId, { fullName }, "user.update", source),

    /**
     * Changes or removes the address that an account is signed in to with.
     * @throws DomainError `EMAIL_TAKEN`, `TOO_MANY_ATTEMPTS`; `INVALID_TOKEN` when the account is gone
     */
    async changeEmail(userId: string, email: string | null, source: Source): Promise<User> {
      await throttle.takeGuess([{ name: `email-change:${userId}`, limit: emailChanges }]);
      return change(userId, { email }, "user.change_email", source);
    },
  };
};
