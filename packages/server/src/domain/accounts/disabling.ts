// Owns disabling an account: nobody signs in to it, nobody stays signed in, and no client keeps access.

import type { Db } from "../../db/database.ts";
import type { Grants } from "../clients/grants.ts";
import type { Audit, Source } from "../kernel/audit.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { Users } from "./users.ts";

export const createDisabling = ({
  db,
  users,
  sessions,
  grants,
  audit,
}: {
  db: Db;
  users: Users;
  sessions: Sessions;
  grants: Grants;
  audit: Audit;
}) => ({
  /** Disables the account and revokes its sessions and grants, in one transaction. */
  async disable(userId: string, source: Source): Promise<void> {
    await sessions.endAllOf(userId, "disabled", source, {
      async alongside(transaction) {
        await users.setDisabled(userId, true, transaction);
        await grants.revokeAllOf(userId, source, transaction);
        await audit.record({ action: "user.disable", userId, source }, transaction);
      },
    });
  },

  /** Lets the account sign in again; earlier sessions and grants stay revoked. */
  enable: (userId: string, source: Source): Promise<void> =>
    db.transaction().execute(async (transaction) => {
      await users.setDisabled(userId, false, transaction);
      await audit.record({ action: "user.enable", userId, source }, transaction);
    }),
});
