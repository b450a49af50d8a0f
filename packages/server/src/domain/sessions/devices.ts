// Owns device tokens: proof that an account was signed in to from this device before. It opens nothing; it
// only keeps an attack on the account from counting against its owner.

import { hash } from "node:crypto";
import { type Now, type Random, randomId } from "../kernel/environment.ts";
import type { Secrets } from "../kernel/secrets.ts";

export type Devices = ReturnType<typeof createDevices>;

/** A sign-in gives a new one. */
const lifetimeMs = 90 * 24 * 60 * 60 * 1000;

/** What a token was earned with: the account, and its password as it was stored then. */
export interface DeviceOwner {
  readonly userId: string;
  readonly passwordHash: string;
}

export const createDevices = ({ secrets, random, now }: { secrets: Secrets; random: Random; now: Now }) => {
  const signed = (deviceId: string, expiresAt: string, { userId, passwordHash }: DeviceOwner) =>
    `${deviceId}.${expiresAt}.${userId}.${hash("sha256", passwordHash, "base64url")}`;
  return {
    /** `device id . expiry . MAC`: given out after a right password, kept by the device. It ends with that password. */
    issue(owner: DeviceOwner): string {
      const deviceId = randomId(random);
      const expiresAt = (now() + lifetimeMs).toString(36);
      return `${deviceId}.${expiresAt}.${secrets.mac("devices", signed(deviceId, expiresAt, owner))}`;
    },

    /** Whether this token was earned with the password that this account has now, and has not expired. */
    verify(token: string | null, owner: DeviceOwner | null): boolean {
      const [deviceId, expiresAt, mac, ...rest] = token?.split(".") ?? [];
      if (!deviceId || !expiresAt || !mac || rest.length > 0 || owner === null) return false;
      if (!secrets.verifyMac("devices", signed(deviceId, expiresAt, owner), mac)) return false;
      return now() < Number.parseInt(expiresAt, 36);
    },
  };
};
