import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";
import type { Schema } from "../schema.ts";

const up = async (db: Kysely<Schema>) => {
  await db.schema
    .createIndex("users_look_alike")
    .on("users")
    .expression(sql`replace(replace(replace(username, 'm', 'rn'), '1', 'l'), '0', 'o')`)
    .execute();
  // Earlier versions sent no mail: of the addresses that they stored, nobody has proved any.
  await db.schema.alterTable("users").addColumn("email_proof", "text").execute();
};

export const addressProofs: Migration = { up };
