import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";
import type { Schema } from "../schema.ts";

const up = async (db: Kysely<Schema>) => {
  // Null for sessions of earlier versions: nothing is known about them.
  await db.schema.alterTable("sessions").addColumn("methods", "text").execute();
};

export const sessionMethods: Migration = { up };
