import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";
import type { Schema } from "../schema.ts";

const up = async (db: Kysely<Schema>) => {
  await db.schema
    .alterTable("applications")
    .addColumn("revision", "integer", (column) => column.notNull().defaultTo(0))
    .execute();
  await db.schema
    .alterTable("applications")
    .addColumn("may_introspect", "integer", (column) => column.notNull().defaultTo(0))
    .execute();
  await db.schema
    .alterTable("grants")
    .addColumn("application_revision", "integer", (column) => column.notNull().defaultTo(0))
    .execute();
};

export const clients: Migration = { up };
