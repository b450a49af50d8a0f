import { type Kysely, PostgresAdapter, sql } from "kysely";
import type { Migration } from "kysely/migration";
import type { Schema } from "../schema.ts";

const up = async (db: Kysely<Schema>) => {
  await db.schema
    .createTable("users")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("username", "text", (column) => column.notNull().unique())
    .addColumn("email", "text", (column) => column.unique())
    .addColumn("full_name", "text", (column) => column.notNull())
    .addColumn("role", "text", (column) => column.notNull())
    .addColumn("disabled", "integer", (column) => column.notNull())
    .addColumn("password_hash", "text")
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .execute();

  await db.schema
    .createTable("sessions")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("user_id", "text", (column) => column.notNull().references("users.id").onDelete("cascade"))
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .addColumn("authenticated_at", "bigint", (column) => column.notNull())
    .addColumn("last_seen_at", "bigint", (column) => column.notNull())
    .addColumn("idle_expires_at", "bigint", (column) => column.notNull())
    .addColumn("expires_at", "bigint", (column) => column.notNull())
    .addColumn("ended_at", "bigint")
    .addColumn("end_reason", "text")
    .addColumn("seed", "text", (column) => column.notNull())
    .addColumn("generation", "integer", (column) => column.notNull())
    .addColumn("replaced", "text", (column) => column.notNull())
    .addColumn("scopes", "text")
    .addColumn("address", "text")
    .addColumn("user_agent", "text")
    .execute();
  await db.schema.createIndex("sessions_user_id").on("sessions").column("user_id").execute();
  await db.schema.createIndex("sessions_expires_at").on("sessions").column("expires_at").execute();

  await db.schema
    .createTable("audit_log")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("at", "bigint", (column) => column.notNull())
    .addColumn("action", "text", (column) => column.notNull())
    .addColumn("outcome", "text", (column) => column.notNull())
    .addColumn("user_id", "text")
    .addColumn("session_id", "text")
    .addColumn("detail", "text", (column) => column.notNull())
    .addColumn("address", "text")
    .addColumn("user_agent", "text")
    .addColumn("request_id", "text")
    .execute();
  await db.schema.createIndex("audit_log_at").on("audit_log").columns(["at", "id"]).execute();
  await db.schema.createIndex("audit_log_user_id").on("audit_log").columns(["user_id", "at"]).execute();
  await refuseChanges(db, "audit_log");

  await db.schema
    .createTable("throttles")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("failures", "integer", (column) => column.notNull())
    .addColumn("last_failed_at", "bigint", (column) => column.notNull())
    .execute();
  await db.schema.createIndex("throttles_last_failed_at").on("throttles").column("last_failed_at").execute();

  await db.schema
    .createTable("signing_keys")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("ordinal", "integer", (column) => column.notNull().unique())
    .addColumn("algorithm", "text", (column) => column.notNull())
    .addColumn("public_jwk", "text", (column) => column.notNull())
    .addColumn("private_jwe", "text", (column) => column.notNull())
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .addColumn("signs_from", "bigint", (column) => column.notNull())
    .addColumn("retired_at", "bigint")
    .execute();
};

/** Makes a table append-only for every writer. */
const refuseChanges = async (db: Kysely<Schema>, table: string) => {
  if (db.getExecutor().adapter instanceof PostgresAdapter) {
    await sql
      .raw(`create function ${table}_refuse() returns trigger language plpgsql as
        $$ begin raise exception '${table} is append-only'; end $$`)
      .execute(db);
    await sql
      .raw(`create trigger ${table}_refuse before update or delete or truncate on ${table}
        for each statement execute function ${table}_refuse()`)
      .execute(db);
    return;
  }
  for (const change of ["update", "delete"]) {
    await sql
      .raw(`create trigger ${table}_refuse_${change} before ${change} on ${table}
        begin select raise(abort, '${table} is append-only'); end`)
      .execute(db);
  }
};

export const initial: Migration = { up };
