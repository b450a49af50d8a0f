// Owns device tokens: proof that an account signed in from this device before. It grants no access; it keeps an attack
// on the account from counting against its owner.

import { hash } from "node:crypto";
import { type Now, type Random, randomId } from "../kernel/environment.ts";
import type { Secrets } from "../kernel/secrets.ts";

export type Devices = ReturnType<typeof createDevices>;

/** Renewed at each sign-in. */
const lifetimeMs = 90 * 24 * 60 * 60 * 1000;

/** A token is bound to the account and the password that it had then. */
export interface DeviceOwner {
  readonly userId: string;
  /** `null`: it had none. */
  readonly passwordHash: string | null;
}

export const createDevices = ({ secrets, random, now }: { secrets: Secrets; random: Random; now: Now }) => {
  const signed = (deviceId: string, expiresAt: string, { userId, passwordHash }: DeviceOwner) =>
    `${deviceId}.${expiresAt}.${userId}.${hash("sha256", passwordHash ?? "", "base64url")}`;
  /** The device of a token that has not expired and was issued for the account's present password. `null`: it is not. */
  const idOf = (token: string | null, owner: DeviceOwner | null): string | null => {
    const [deviceId, expiresAt, mac, ...rest] = token?.split(".") ?? [];
    if (!deviceId || !expiresAt || !mac || rest.length > 0 || owner === null) return null;
    if (!secrets.verifyMac("devices", signed(deviceId, expiresAt, owner), mac)) return null;
    return now() < Number.parseInt(expiresAt, 36) ? deviceId : null;
  };

  return {
    idOf,

    /** The ID of a device that shows no token. */
    newId: (): string => randomId(random),

    /**
     * `device id . expiry . MAC`: issued after a sign-in and kept by the device. Invalid once the password
     * changes.
     * @param deviceId the ID that the device had before. Default: a new one
     */
    issue(owner: DeviceOwner, deviceId = randomId(random)): string {
      const expiresAt = (now() + lifetimeMs).toString(36);
      return `${deviceId}.${expiresAt}.${secrets.mac("devices", signed(deviceId, expiresAt, owner))}`;
    },

    /** Whether the token has not expired and was issued for the account's present password. */
    verify: (token: string | null, owner: DeviceOwner | null): boolean => idOf(token, owner) !== null,
  };
};
