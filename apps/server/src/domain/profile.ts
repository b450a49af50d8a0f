// Owns changing what an account says about its owner.

import type { UpdateUserInput, User } from "@lockstep/contract";
import type { Db } from "../db/database.ts";
import type { Audit, Source } from "./audit.ts";
import { DomainError } from "./domain-error.ts";
import type { Users } from "./users.ts";

export type Profile = ReturnType<typeof createProfile>;

export const createProfile = ({ db, users, audit }: { db: Db; users: Users; audit: Audit }) => ({
  /**
   * Changes name or e-mail address; the audit entry says which, and not from what to what.
   * @throws DomainError `EMAIL_TAKEN`; `INVALID_TOKEN` when the account is gone, and its sessions with it
   */
  update: (userId: string, change: UpdateUserInput, source: Source): Promise<User> =>
    db.transaction().execute(async (transaction) => {
      const updated = await users.update(userId, change, transaction);
      if (!updated) throw new DomainError("INVALID_TOKEN");
      await audit.record(
        { action: "user.update", userId, detail: { changed: Object.keys(change) }, source },
        transaction,
      );
      return updated;
    }),
});
