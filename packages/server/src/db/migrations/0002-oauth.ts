import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";
import type { Schema } from "../schema.ts";

const up = async (db: Kysely<Schema>) => {
  await db.schema
    .createTable("applications")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("name", "text", (column) => column.notNull())
    .addColumn("secret_hash", "text")
    .addColumn("metadata", "text", (column) => column.notNull())
    .addColumn("verified", "integer", (column) => column.notNull())
    .addColumn("owner_id", "text", (column) => column.references("users.id").onDelete("cascade"))
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .execute();
  await db.schema.createIndex("applications_owner_id").on("applications").column("owner_id").execute();

  await db.schema
    .createTable("grants")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("user_id", "text", (column) => column.notNull().references("users.id").onDelete("cascade"))
    .addColumn("application_id", "text", (column) => column.notNull().references("applications.id").onDelete("cascade"))
    .addColumn("scopes", "text", (column) => column.notNull())
    .addColumn("payload", "text", (column) => column.notNull())
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .addColumn("last_used_at", "bigint", (column) => column.notNull())
    .addColumn("expires_at", "bigint", (column) => column.notNull())
    .execute();
  await db.schema.createIndex("grants_user_id").on("grants").columns(["user_id", "application_id"]).execute();
  await db.schema.createIndex("grants_application_id").on("grants").column("application_id").execute();
  await db.schema.createIndex("grants_expires_at").on("grants").column("expires_at").execute();

  await db.schema
    .createTable("oauth_records")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("kind", "text", (column) => column.notNull())
    .addColumn("payload", "text", (column) => column.notNull())
    .addColumn("grant_id", "text")
    .addColumn("session_id", "text", (column) => column.references("sessions.id").onDelete("cascade"))
    .addColumn("alias", "text")
    .addColumn("expires_at", "bigint", (column) => column.notNull())
    .addColumn("consumed_at", "bigint")
    .execute();
  await db.schema.createIndex("oauth_records_grant_id").on("oauth_records").column("grant_id").execute();
  await db.schema.createIndex("oauth_records_session_id").on("oauth_records").column("session_id").execute();
  await db.schema.createIndex("oauth_records_alias").on("oauth_records").columns(["kind", "alias"]).execute();
  await db.schema.createIndex("oauth_records_expires_at").on("oauth_records").column("expires_at").execute();

  await db.schema
    .createTable("spent_ids")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("expires_at", "bigint", (column) => column.notNull())
    .execute();
  await db.schema.createIndex("spent_ids_expires_at").on("spent_ids").column("expires_at").execute();
};

export const oauth: Migration = { up };
