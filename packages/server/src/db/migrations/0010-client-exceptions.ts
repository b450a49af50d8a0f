import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";
import type { Schema } from "../schema.ts";

const up = async (db: Kysely<Schema>) => {
  for (const column of ["may_omit_pkce", "asserts_to_token_endpoint"]) {
    await db.schema
      .alterTable("applications")
      .addColumn(column, "integer", (definition) => definition.notNull().defaultTo(0))
      .execute();
  }
};

export const clientExceptions: Migration = { up };
