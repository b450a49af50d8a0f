import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";
import type { Schema } from "../schema.ts";

// A separate table: servers of the previous version, which run beside this one during a rolling update, sign access
// tokens with the newest key of `signing_keys`, whatever its algorithm.
const up = async (db: Kysely<Schema>) => {
  await db.schema
    .createTable("rsa_signing_keys")
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

export const rsaKeys: Migration = { up };
