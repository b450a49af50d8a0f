// Owns devices that sign in without a second factor: rows that their user can revoke, each for a device token
// (`sessions/devices.ts`), which dies with the password. They save a step at sign-in and prove nothing: the session has
// one factor, and a step-up asks for both.

import { hash } from "node:crypto";
import type { TrustedDevice } from "@lockstep/kit";
import type { Db } from "../../db/database.ts";
import type { Source } from "../kernel/audit.ts";
import { type Now, type Random, randomId } from "../kernel/environment.ts";

/** Each account has a bounded number of them; the one that was used longest ago makes room. */
const maxDevices = 20;

export type TrustedDevices = ReturnType<typeof createTrustedDevices>;

export const createTrustedDevices = ({
  db,
  now,
  random,
  lifetimeSeconds,
}: {
  db: Db;
  now: Now;
  random: Random;
  /** How long a device is trusted. 0: none is. */
  lifetimeSeconds: number;
}) => ({
  /** Trusts the device of a device token's ID, from now on for the whole time. */
  async trustWithin(transaction: Db, userId: string, deviceId: string, source: Source): Promise<void> {
    if (lifetimeSeconds === 0) return;
    const { address, userAgent: user_agent } = source;
    const lasting = { address, user_agent, last_used_at: now(), expires_at: now() + lifetimeSeconds * 1000 };
    await transaction
      .insertInto("trusted_devices")
      .values({ id: randomId(random), user_id: userId, device_hash: hashOf(deviceId), created_at: now(), ...lasting })
      .onConflict((conflict) => conflict.columns(["user_id", "device_hash"]).doUpdateSet(lasting))
      .execute();
    await transaction
      .deleteFrom("trusted_devices")
      .where("user_id", "=", userId)
      .where("id", "not in", (query) =>
        query
          .selectFrom("trusted_devices")
          .select("id")
          .where("user_id", "=", userId)
          .orderBy("last_used_at", "desc")
          .orderBy("id")
          .limit(maxDevices),
      )
      .execute();
  },

  /** Whether the device may sign in without a second factor. Records the use. */
  async isTrustedWithin(transaction: Db, userId: string, deviceId: string, source: Source): Promise<boolean> {
    if (lifetimeSeconds === 0) return false;
    const row = await transaction
      .updateTable("trusted_devices")
      .set({ last_used_at: now(), address: source.address, user_agent: source.userAgent })
      .where("user_id", "=", userId)
      .where("device_hash", "=", hashOf(deviceId))
      .where("expires_at", ">", now())
      .returning("id")
      .executeTakeFirst();
    return row !== undefined;
  },

  /** The user's trusted devices, the last used first. */
  async list(userId: string): Promise<TrustedDevice[]> {
    const rows = await db
      .selectFrom("trusted_devices")
      .selectAll()
      .where("user_id", "=", userId)
      .where("expires_at", ">", now())
      .orderBy("last_used_at", "desc")
      .orderBy("id")
      .execute();
    return rows.map((row) => ({
      id: row.id,
      userAgent: row.user_agent,
      address: row.address,
      createdAt: row.created_at,
      lastUsedAt: row.last_used_at,
      expiresAt: row.expires_at,
    }));
  },

  /** `false`: the user has no such device. */
  async forgetWithin(transaction: Db, userId: string, id: string): Promise<boolean> {
    const row = await transaction
      .deleteFrom("trusted_devices")
      .where("id", "=", id)
      .where("user_id", "=", userId)
      .returning("id")
      .executeTakeFirst();
    return row !== undefined;
  },

  async forgetAllWithin(transaction: Db, userId: string): Promise<void> {
    await transaction.deleteFrom("trusted_devices").where("user_id", "=", userId).execute();
  },

  /** Deletes up to `limit` devices whose time is over, and returns how many. */
  async deleteExpired(limit: number): Promise<number> {
    const { numDeletedRows } = await db
      .deleteFrom("trusted_devices")
      .where("id", "in", (query) =>
        query.selectFrom("trusted_devices").select("id").where("expires_at", "<=", now()).limit(limit),
      )
      .executeTakeFirst();
    return Number(numDeletedRows);
  },
});

const hashOf = (deviceId: string) => hash("sha256", deviceId, "base64url");
