// Owns ids that are good once, or no more: access tokens that were revoked before their time, proofs of possession that
// were shown (RFC 9449 §11.1), trips to a provider, logout tokens. Whoever writes an id first has spent it, on whichever
// server that happens; it is kept until it could not be presented anyway.

import { hash } from "node:crypto";
import type { Db } from "../../db/database.ts";
import { lookup } from "../../db/lookup.ts";
import type { Now } from "./environment.ts";

type Kind = "access-token" | "proof" | "login" | "logout-token" | "poll";

/** As it stands in the table: others choose some ids, of any length. */
const spentId = (kind: Kind, id: string): string => hash("sha256", `${kind}:${id}`, "base64url");

export type SpentIds = ReturnType<typeof createSpentIds>;

export const createSpentIds = ({ db, now }: { db: Db; now: Now }) => {
  const read = lookup(db, (asked) =>
    db.selectFrom(asked.as("asked")).innerJoin("spent_ids", "spent_ids.id", "asked.value").select("asked.value as key"),
  );
  return {
    /**
     * Spends an id for a while. `false`: it is spent; of any number at once, one is told `true`.
     * @param lifetimeSeconds how long it could still be presented; after that, it may be spent again
     */
    async spend(kind: Kind, id: string, lifetimeSeconds: number): Promise<boolean> {
      const row = await db
        .insertInto("spent_ids")
        .values({ id: spentId(kind, id), expires_at: now() + lifetimeSeconds * 1000 })
        .onConflict((conflict) =>
          conflict
            .column("id")
            .doUpdateSet((query) => ({ expires_at: query.ref("excluded.expires_at") }))
            .where("spent_ids.expires_at", "<=", now()),
        )
        .returning("id")
        .executeTakeFirst();
      return row !== undefined;
    },

    async isSpent(kind: Kind, id: string): Promise<boolean> {
      return (await read(spentId(kind, id))) !== null;
    },

    /** Deletes up to `limit` ids that nobody can use any more, and answers how many. */
    async deleteExpired(limit: number): Promise<number> {
      const { numDeletedRows } = await db
        .deleteFrom("spent_ids")
        .where("id", "in", (query) =>
          query.selectFrom("spent_ids").select("id").where("expires_at", "<=", now()).limit(limit),
        )
        .executeTakeFirst();
      return Number(numDeletedRows);
    },
  };
};
