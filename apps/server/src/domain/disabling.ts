// Owns disabling an account: nobody signs in to it, and nobody stays signed in.

import type { Db } from "../db/database.ts";
import type { Audit, Source } from "./audit.ts";
import type { Sessions } from "./sessions.ts";
import type { Users } from "./users.ts";

export const createDisabling = ({
  db,
  users,
  sessions,
  audit,
}: {
  db: Db;
  users: Users;
  sessions: Sessions;
  audit: Audit;
}) => ({
  /** Disables the account and ends every session, in one transaction. */
  async disable(userId: string, source: Source): Promise<void> {
    await sessions.endAllOf(userId, "disabled", source, {
      async alongside(transaction) {
        await users.setDisabled(userId, true, transaction);
        await audit.record({ action: "user.disable", userId, source }, transaction);
      },
    });
  },

  /** Lets the account sign in again; sessions of before have ended. */
  enable: (userId: string, source: Source): Promise<void> =>
    db.transaction().execute(async (transaction) => {
      await users.setDisabled(userId, false, transaction);
      await audit.record({ action: "user.enable", userId, source }, transaction);
    }),
});
