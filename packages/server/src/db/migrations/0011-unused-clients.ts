import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";
import type { Schema } from "../schema.ts";

const up = async (db: Kysely<Schema>) => {
  await db.schema.alterTable("applications").addColumn("unused_expires_at", "bigint").execute();
  await db.schema
    .createIndex("applications_unused_expires_at")
    .on("applications")
    .column("unused_expires_at")
    .execute();
};

export const unusedClients: Migration = { up };
