import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";
import type { Schema } from "../schema.ts";

const up = async (db: Kysely<Schema>) => {
  await db.schema
    .createTable("proofs")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("purpose", "text", (column) => column.notNull())
    .addColumn("asked", "text", (column) => column.notNull())
    .addColumn("user_id", "text", (column) => column.references("users.id").onDelete("cascade"))
    .addColumn("email", "text")
    .addColumn("code_mac", "text", (column) => column.notNull())
    .addColumn("link_hash", "text", (column) => column.notNull())
    .addColumn("browser_hash", "text")
    .addColumn("tries_left", "integer", (column) => column.notNull())
    .addColumn("ended", "text")
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .addColumn("expires_at", "bigint", (column) => column.notNull())
    .execute();
  await db.schema.createIndex("proofs_asked").on("proofs").column("asked").execute();
  await db.schema.createIndex("proofs_user_id").on("proofs").column("user_id").execute();
  await db.schema.createIndex("proofs_link_hash").on("proofs").column("link_hash").execute();
  await db.schema.createIndex("proofs_expires_at").on("proofs").column("expires_at").execute();

  await db.schema
    .createTable("invitations")
    .addColumn("email", "text", (column) => column.primaryKey())
    .addColumn("role", "text", (column) => column.notNull())
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .addColumn("expires_at", "bigint", (column) => column.notNull())
    .execute();
};

export const proofs: Migration = { up };
