import { type Kysely, PostgresAdapter, sql } from "kysely";
import type { Migration } from "kysely/migration";
import type { Schema } from "../schema.ts";

const up = async (db: Kysely<Schema>) => {
  // Without a reference to the user, whose row is deleted first.
  await db.schema
    .createTable("deletions")
    .addColumn("user_id", "text", (column) => column.primaryKey())
    .addColumn("requested_by", "text", (column) => column.notNull())
    .addColumn("requested_at", "bigint", (column) => column.notNull())
    .addColumn("deletes_at", "bigint", (column) => column.notNull())
    .addColumn("started_at", "bigint")
    .addColumn("was_disabled", "integer", (column) => column.notNull())
    .addColumn("pseudonym", "text", (column) => column.notNull())
    .execute();
  await db.schema.createIndex("deletions_deletes_at").on("deletions").column("deletes_at").execute();

  await db.schema
    .alterTable("oauth_records")
    .addColumn("user_id", "text", (column) => column.references("users.id").onDelete("set null"))
    .execute();
  await db.schema.createIndex("oauth_records_user_id").on("oauth_records").column("user_id").execute();

  await allowPseudonyms(db);
};

/**
 * The audit log stays append-only, with one exception: while an account is deleted, its entries can lose who it was.
 * What happened, when, and how it ended cannot change.
 */
const allowPseudonyms = async (db: Kysely<Schema>) => {
  const pseudonym = "(select pseudonym from deletions where user_id = old.user_id and started_at is not null)";
  const onlyLosesWho = `new.id = old.id and new.at = old.at and new.action = old.action and new.outcome = old.outcome
    and new.detail = '{}' and new.session_id is null and new.address is null and new.user_agent is null
    and new.request_id is null and coalesce(new.user_id = ${pseudonym}, false)`;
  if (db.getExecutor().adapter instanceof PostgresAdapter) {
    await sql`drop trigger audit_log_refuse on audit_log`.execute(db);
    await sql`create trigger audit_log_refuse before delete or truncate on audit_log
      for each statement execute function audit_log_refuse()`.execute(db);
    await sql
      .raw(`create function audit_log_refuse_update() returns trigger language plpgsql as
        $$ begin
          if ${onlyLosesWho} then return new; end if;
          raise exception 'audit_log is append-only';
        end $$`)
      .execute(db);
    await sql`create trigger audit_log_refuse_update before update on audit_log
      for each row execute function audit_log_refuse_update()`.execute(db);
    return;
  }
  await sql`drop trigger audit_log_refuse_update`.execute(db);
  await sql
    .raw(`create trigger audit_log_refuse_update before update on audit_log when not (${onlyLosesWho})
      begin select raise(abort, 'audit_log is append-only'); end`)
    .execute(db);
};

export const deletions: Migration = { up };
