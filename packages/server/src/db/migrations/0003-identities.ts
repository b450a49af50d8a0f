import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";
import type { Schema } from "../schema.ts";

const up = async (db: Kysely<Schema>) => {
  await db.schema
    .createTable("identities")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("user_id", "text", (column) => column.notNull().references("users.id").onDelete("cascade"))
    .addColumn("issuer", "text", (column) => column.notNull())
    .addColumn("subject", "text", (column) => column.notNull())
    .addColumn("provider", "text", (column) => column.notNull())
    .addColumn("email", "text")
    .addColumn("linked_at", "bigint", (column) => column.notNull())
    .addColumn("last_used_at", "bigint")
    .execute();
  await db.schema
    .createIndex("identities_issuer_subject")
    .on("identities")
    .columns(["issuer", "subject"])
    .unique()
    .execute();
  await db.schema.createIndex("identities_user_id").on("identities").column("user_id").execute();

  await db.schema
    .createTable("provider_sessions")
    .addColumn("session_id", "text", (column) => column.primaryKey().references("sessions.id").onDelete("cascade"))
    .addColumn("identity_id", "text", (column) => column.notNull().references("identities.id").onDelete("cascade"))
    .addColumn("provider_session_id", "text")
    .addColumn("id_token_jwe", "text")
    .execute();
  await db.schema.createIndex("provider_sessions_identity_id").on("provider_sessions").column("identity_id").execute();
};

export const identities: Migration = { up };
