import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";
import type { Schema } from "../schema.ts";

const up = async (db: Kysely<Schema>) => {
  await db.schema.alterTable("users").addColumn("factor_reset_at", "bigint").execute();
  // Upkeep asks for the few that are due every few seconds.
  await db.schema
    .createIndex("users_factor_reset_at")
    .on("users")
    .column("factor_reset_at")
    .where("factor_reset_at", "is not", null)
    .execute();
};

export const factorResets: Migration = { up };
