// Owns adding a factor in two steps: what the person needs is handed out sealed, and nothing is stored until they show
// that it works. An enrolment that is interrupted leaves nothing behind.

import type { Enrolment, Factor, FactorKind, NewPasskey, User } from "@lockstep/kit";
import { renderSVG } from "uqr";
import type { Db } from "../../db/database.ts";
import type { Source } from "../kernel/audit.ts";
import { DomainError } from "../kernel/domain-error.ts";
import { type Now, type Random, randomId } from "../kernel/environment.ts";
import type { Sealed } from "../kernel/sealed.ts";
import type { SpentIds } from "../kernel/spent-ids.ts";
import type { ProvedFactor } from "./assurance.ts";
import type { Factors, NewFactor } from "./factors.ts";
import type { Passkeys } from "./passkeys.ts";
import type { Totp } from "./totp.ts";

const lifetimeSeconds = 10 * 60;

interface Begun {
  readonly id: string;
  readonly userId: string;
  /** The session, or the challenge of a sign-in, that it was begun in. */
  readonly within: string;
  readonly kind: FactorKind;
  /** TOTP: the secret. A passkey: the challenge. */
  readonly secret: string;
}

/** What a person sends to finish. */
export interface FinishedEnrolment {
  readonly enrolmentId: string;
  readonly name: string;
  readonly totp?: string | undefined;
  readonly passkey?: NewPasskey | undefined;
}

/** A factor that works, and is not stored yet. */
export interface CheckedEnrolment {
  /**
   * Stores it, once. The caller has locked the user.
   * @throws DomainError `CHALLENGE_EXPIRED`, `FACTOR_REFUSED`, `TOO_MANY_FACTORS`
   */
  addWithin(transaction: Db, source: Source): Promise<{ factor: Factor; proved: ProvedFactor }>;
}

export type Enrolments = ReturnType<typeof createEnrolments>;

export const createEnrolments = ({
  now,
  random,
  sealed,
  spentIds,
  factors,
  totp,
  passkeys,
}: {
  now: Now;
  random: Random;
  sealed: Sealed;
  spentIds: SpentIds;
  factors: Factors;
  totp: Totp;
  passkeys: Passkeys;
}) => {
  /** The row of a factor that works; `null`: it does not. */
  const rowOf = async (begun: Begun, { name, ...given }: FinishedEnrolment): Promise<NewFactor | null> => {
    if (begun.kind === "totp") {
      const step = given.totp === undefined ? null : totp.stepOf(begun.secret, given.totp);
      // The code that finished the enrolment is used.
      if (step === null) return null;
      const material = await totp.materialOf(begun.secret);
      return { kind: "totp", name, material, counter: step, credentialId: null };
    }
    const verified = given.passkey ? await passkeys.verifyNew(given.passkey, begun.secret) : null;
    if (!verified) return null;
    const { publicKey: material, counter, credentialId } = verified;
    return { kind: "passkey", name, material, counter, credentialId };
  };

  return {
    /**
     * Begins to add a factor to an account.
     * @param within the session, or the challenge of a sign-in, that has to finish it
     * @throws DomainError `TOO_MANY_FACTORS`, `PASSKEYS_OFF`
     */
    async begin(user: User, kind: FactorKind, within: string): Promise<Enrolment> {
      await factors.assertRoom(user.id, kind);
      const secret = kind === "totp" ? totp.newSecret() : passkeys.newChallenge();
      const begun: Begun = { id: randomId(random), userId: user.id, within, kind, secret };
      const enrolmentId = await sealed.seal("factor-enrolments", begun, lifetimeSeconds);
      if (kind === "passkey") {
        return { kind, enrolmentId, options: await passkeys.creationOptions(user, secret) };
      }
      const uri = totp.uriOf(secret, user.username);
      return { kind, enrolmentId, secret, uri, qrCode: renderSVG(uri) };
    },

    /**
     * Checks that a factor works.
     * @throws DomainError `CHALLENGE_EXPIRED` when it was begun too long ago, by another account, or in another session;
     * `FACTOR_REFUSED`
     */
    async check(userId: string, within: string, finished: FinishedEnrolment): Promise<CheckedEnrolment> {
      const begun = await sealed.open<Begun>("factor-enrolments", finished.enrolmentId);
      if (begun?.userId !== userId || begun.within !== within) throw new DomainError("CHALLENGE_EXPIRED");
      const row = await rowOf(begun, finished);
      if (!row) throw new DomainError("FACTOR_REFUSED");
      return {
        async addWithin(transaction, source) {
          if (!(await spentIds.spend("challenge", begun.id, lifetimeSeconds, transaction)))
            throw new DomainError("CHALLENGE_EXPIRED");
          const factor = await factors.addWithin(transaction, userId, row, source);
          if (!factor) throw new DomainError("FACTOR_REFUSED");
          return { factor, proved: { method: row.kind, at: now(), factorId: factor.id } };
        },
      };
    },
  };
};
