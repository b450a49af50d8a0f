// Owns the whole map of personal data, the engine's part and the app's, and who a person is in it.

import { appPersonRows, type Migrations } from "../../db/app-migrations.ts";
import type { Db } from "../../db/database.ts";
import type { Person, PersonRows } from "../../db/personal-data.ts";
import { createEngineRows } from "./engine-data.ts";
import type { Proofs } from "./proofs.ts";

export type PersonalDataMap = Awaited<ReturnType<typeof createPersonalDataMap>>;

/** @throws StartError when the app's map leaves out a table of the app, or does not fit the database */
export const createPersonalDataMap = async ({
  db,
  migrations,
  proofs,
  ...parts
}: {
  db: Db;
  migrations: readonly Migrations[];
  proofs: Proofs;
} & Omit<Parameters<typeof createEngineRows>[0], "proofs">) => {
  const engine = createEngineRows({ ...parts, proofs });
  const app = await appPersonRows(db, migrations);
  return {
    /** In the order of deletion: rows of the app may refer to rows of the engine. */
    erased: [...app, ...engine.erased] as readonly PersonRows[],
    exported: [...engine.exported, ...app] as readonly PersonRows[],

    /** `null`: there is no such user. */
    async personOf(userId: string, pseudonym: string | null, transaction: Db): Promise<Person | null> {
      const row = await transaction
        .selectFrom("users")
        .select(["username", "email", "email_proof"])
        .where("id", "=", userId)
        .executeTakeFirst();
      if (!row) return null;
      const undo = await proofs.undoAddresses(userId, transaction);
      // An address that nobody has proved may be another person's, and so may the rows with it.
      const own = row.email !== null && row.email_proof !== null ? [row.email] : [];
      const addresses = [...new Set([...own, ...undo.map(({ email }) => email)])];
      return { id: userId, username: row.username, addresses, pseudonym };
    },
  };
};
