// Owns what may be used once: whoever writes its row first has used it, on whichever server that happens.

import { createHash } from "node:crypto";
import type { Db } from "../db/database.ts";
import type { Now } from "./environment.ts";

export type SingleUses = ReturnType<typeof createSingleUses>;

export const createSingleUses = ({ db, now }: { db: Db; now: Now }) => ({
  /**
   * Uses `id`, and answers whether this was the first time. One conditional statement: of any number at once, one.
   * @param lifetimeSeconds how long `id` could still be presented: it is remembered that long
   */
  async use(id: string, lifetimeSeconds: number): Promise<boolean> {
    const used = await db
      .insertInto("single_uses")
      // Hashed: others choose some of these, of any length and with any characters.
      .values({ id: createHash("sha256").update(id).digest("base64url"), expires_at: now() + lifetimeSeconds * 1000 })
      .onConflict((conflict) => conflict.column("id").doNothing())
      .returning("id")
      .executeTakeFirst();
    return used !== undefined;
  },

  /** Deletes up to `limit` that cannot be presented any more, and answers how many. */
  async deleteExpired(limit: number): Promise<number> {
    const { numDeletedRows } = await db
      .deleteFrom("single_uses")
      .where("id", "in", (query) =>
        query.selectFrom("single_uses").select("id").where("expires_at", "<=", now()).limit(limit),
      )
      .executeTakeFirst();
    return Number(numDeletedRows);
  },
});
