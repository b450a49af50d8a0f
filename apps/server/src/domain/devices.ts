// Owns device tokens: proof that an account was signed in to from this device before. It opens nothing; it
// only keeps an attack on the account from counting against its owner.

import { type Random, randomId } from "./environment.ts";
import type { Secrets } from "./secrets.ts";

export type Devices = ReturnType<typeof createDevices>;

export const createDevices = ({ secrets, random }: { secrets: Secrets; random: Random }) => ({
  /** `device id . MAC` over device and user: given out after a right password, kept by the device. */
  issue(userId: string): string {
    const deviceId = randomId(random);
    return `${deviceId}.${secrets.mac("devices", `${deviceId}.${userId}`)}`;
  },

  /** The device's id, if this token was issued to this user; else `null`. */
  verify(token: string | null, userId: string | null): string | null {
    const [deviceId, mac, ...rest] = token?.split(".") ?? [];
    if (!deviceId || !mac || rest.length > 0 || userId === null) return null;
    return secrets.verifyMac("devices", `${deviceId}.${userId}`, mac) ? deviceId : null;
  },
});
