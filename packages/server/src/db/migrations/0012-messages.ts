import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";
import type { Schema } from "../schema.ts";

const up = async (db: Kysely<Schema>) => {
  await db.schema
    .createTable("messages")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("template", "text", (column) => column.notNull())
    .addColumn("user_id", "text", (column) => column.references("users.id").onDelete("cascade"))
    .addColumn("recipient", "text", (column) => column.notNull())
    .addColumn("requested", "integer", (column) => column.notNull())
    .addColumn("payload", "text")
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .addColumn("expires_at", "bigint")
    .addColumn("give_up_at", "bigint", (column) => column.notNull())
    .addColumn("due_at", "bigint")
    .addColumn("claim", "text")
    .addColumn("attempts", "integer", (column) => column.notNull())
    .addColumn("failure", "text")
    .addColumn("sent_at", "bigint")
    .execute();
  await db.schema.createIndex("messages_due_at").on("messages").column("due_at").execute();
  await db.schema.createIndex("messages_created_at").on("messages").column("created_at").execute();
  await db.schema.createIndex("messages_user_id").on("messages").column("user_id").execute();
  await db.schema.createIndex("messages_recipient").on("messages").columns(["recipient", "created_at"]).execute();
};

export const messages: Migration = { up };
