// Owns how an account comes to be: the user and what the audit trail says of it, in one transaction. Disabling one:
// `disabling.ts`.

import type { User } from "@lockstep/kit";
import type { Db } from "../../db/database.ts";
import type { Audit, Source } from "../kernel/audit.ts";
import type { NewUser, Users } from "./users.ts";

export const createEnrollment = ({ db, users, audit }: { db: Db; users: Users; audit: Audit }) => {
  const enrollAll = (newUsers: readonly NewUser[], source: Source): Promise<User[]> =>
    db.transaction().execute(async (transaction) => {
      const created = await users.createAll(newUsers, transaction);
      const entries = created.map(({ id }) => ({ action: "user.create" as const, userId: id, source }));
      await audit.recordAll(entries, transaction);
      return created;
    });

  return {
    /** `null`: the username or the e-mail address is taken. */
    async enroll(newUser: NewUser, source: Source): Promise<User | null> {
      const [created] = await enrollAll([newUser], source);
      return created ?? null;
    },

    /** Creates those whose username and e-mail address are free, and answers them: all of them or, when it fails, none. */
    enrollAll,
  };
};
