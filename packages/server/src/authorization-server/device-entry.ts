// Owns who may enter a device's user code, and how often (RFC 8628 §5.1): signed-in people only, since an entered code
// can be denied. Wrong codes are counted per person, per address and in total.

import type { Source } from "../domain/kernel/audit.ts";
import { DomainError } from "../domain/kernel/domain-error.ts";
import { network } from "../domain/kernel/ip-addresses.ts";
import type { Throttle } from "../domain/kernel/throttle.ts";
import type { Sessions } from "../domain/sessions/sessions.ts";

/** Wrong codes without a wait, and the longest wait for the next one. */
const perPerson = { free: 10, maxWaitSeconds: 60 * 60 };
const perAddress = { free: 30, maxWaitSeconds: 15 * 60 };
/** Per hour. With 20^8 codes and a thousand pending, guesses hit one in 25,000 hours. */
const perHour = { free: 1000, maxWaitSeconds: 60 };

/** The page that is shown in place of checking the code. */
export type Refusal = { readonly page: "device_sign_in" } | { readonly page: "device_wait"; readonly seconds: number };

export interface Entry {
  /** The code was right: the attempt does not count. */
  readonly right: () => Promise<void>;
}

export const createDeviceEntry = ({
  sessions,
  throttle,
  now,
}: {
  sessions: Sessions;
  throttle: Throttle;
  now: () => number;
}) => ({
  /** Counts one attempt of the user to whom this browser's refresh token belongs. */
  async begin(refreshToken: string | null, source: Source): Promise<Entry | Refusal> {
    const session = refreshToken === null ? null : await sessions.findByRefreshToken(refreshToken);
    if (!session || (await sessions.endReason(session.id)) !== null) return { page: "device_sign_in" };
    const hour = Math.floor(now() / (60 * 60 * 1000));
    try {
      const right = await throttle.countGuess([
        { name: `device-code:user:${session.userId}`, limit: perPerson },
        ...(source.address === null
          ? []
          : [{ name: `device-code:address:${network(source.address)}`, limit: perAddress }]),
        { name: `device-code:hour:${hour}`, limit: perHour },
      ]);
      return { right };
    } catch (error) {
      if (!(error instanceof DomainError) || error.code !== "TOO_MANY_ATTEMPTS") throw error;
      const { retryAfterSeconds } = error.details as { retryAfterSeconds: number };
      return { page: "device_wait", seconds: retryAfterSeconds };
    }
  },
});

export type DeviceEntry = ReturnType<typeof createDeviceEntry>;
