// Owns IDs that work once: revoked access tokens, proofs of possession (RFC 9449 §11.1), sign-ins at an identity
// provider, logout tokens, polls of a device code, challenges of sign-ins and passkeys. The first to write an ID has spent it, on every server. It is kept
// until it could not be presented anyway.

import { hash } from "node:crypto";
import type { Db } from "../../db/database.ts";
import { lookup } from "../../db/lookup.ts";
import type { Now } from "./environment.ts";

type Kind = "access-token" | "proof" | "login" | "logout-token" | "poll" | "new-device" | "challenge";

/** Hashed: some IDs are chosen by others, of any length. */
const spentId = (kind: Kind, id: string): string => hash("sha256", `${kind}:${id}`, "base64url");

export type SpentIds = ReturnType<typeof createSpentIds>;

export const createSpentIds = ({ db, now }: { db: Db; now: Now }) => {
  const read = lookup(db, (asked) =>
    db.selectFrom(asked.as("asked")).innerJoin("spent_ids", "spent_ids.id", "asked.value").select("asked.value as key"),
  );
  return {
    /**
     * Spends an ID. `true` for one caller only, however many ask at once; `false`: it was spent before.
     * @param lifetimeSeconds how long it could still be presented; afterwards it may be spent again
     */
    async spend(kind: Kind, id: string, lifetimeSeconds: number, transaction: Db = db): Promise<boolean> {
      const row = await transaction
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

    /** Deletes up to `limit` IDs that can no longer be presented, and returns how many. */
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
