import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";
import type { Schema } from "../schema.ts";

const up = async (db: Kysely<Schema>) => {
  // Null for the names that exist: operators choose freely, so some of them may look alike.
  await db.schema.alterTable("users").addColumn("plain_username", "text").execute();
  await db.schema.createIndex("users_plain_username").on("users").column("plain_username").unique().execute();
};

export const plainUsernames: Migration = { up };
