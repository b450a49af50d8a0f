// Owns checking whatever second factor a person gives. A check changes nothing; what it was for spends the factor in its
// own transaction, so that of concurrent uses of one code one succeeds.

import type { PasskeyAnswer } from "@lockstep/kit";
import type { Db } from "../../db/database.ts";
import type { Source } from "../kernel/audit.ts";
import type { ProvedFactor } from "./assurance.ts";
import type { Passkeys } from "./passkeys.ts";
import type { RecoveryCodes } from "./recovery-codes.ts";
import type { Totp } from "./totp.ts";

/** A factor that was right when it was checked. */
export interface CheckedFactor {
  readonly proved: ProvedFactor;
  /** Uses it up. `false`: it was used or removed meanwhile; roll the transaction back. */
  spendWithin(transaction: Db): Promise<boolean>;
}

/** One of these. */
export interface GivenFactor {
  readonly totp?: string | undefined;
  readonly recoveryCode?: string | undefined;
  readonly passkey?: PasskeyAnswer | undefined;
}

export type SecondFactors = ReturnType<typeof createSecondFactors>;

export const createSecondFactors = ({
  totp,
  recoveryCodes,
  passkeys,
}: {
  totp: Totp;
  recoveryCodes: RecoveryCodes;
  passkeys: Passkeys;
}) => ({
  /**
   * Checks a factor of an account. `null`: it is wrong, was used, or is another account's.
   * @throws DomainError `CHALLENGE_EXPIRED`, `PASSKEYS_OFF`, `OVERLOADED`
   */
  async check(userId: string, given: GivenFactor, source: Source): Promise<CheckedFactor | null> {
    if (given.passkey) {
      const checked = await passkeys.check(given.passkey);
      return checked?.userId === userId ? checked : null;
    }
    if (given.recoveryCode !== undefined) return recoveryCodes.check(userId, given.recoveryCode, source);
    return given.totp === undefined ? null : totp.check(userId, given.totp);
  },
});
