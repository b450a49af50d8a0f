import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";
import type { Schema } from "../schema.ts";

const up = async (db: Kysely<Schema>) => {
  await db.schema
    .createTable("news")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("at", "bigint", (column) => column.notNull())
    .addColumn("server", "text", (column) => column.notNull())
    .addColumn("payload", "text", (column) => column.notNull())
    .execute();
  await db.schema.createIndex("news_at").on("news").column("at").execute();
};

export const news: Migration = { up };
