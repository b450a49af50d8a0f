// Owns sign-ins that a factor completes: a second factor after a challenge, a passkey alone, the enrolment that a sign-in
// requires, and the step-up of a session. What a challenge was issued for is checked again when it is redeemed: the
// account may have been disabled, its password changed, or its factor removed meanwhile.

import type { Enrolment, FactorKind, PasskeyAnswer } from "@lockstep/kit";
import type { Db } from "../../db/database.ts";
import { accountKey, type LockedUser, type Users } from "../accounts/users.ts";
import type { Identities } from "../identities/identities.ts";
import type { AnonymousEntries } from "../kernel/anonymous-entries.ts";
import type { Audit, Source } from "../kernel/audit.ts";
import { DomainError } from "../kernel/domain-error.ts";
import type { Now } from "../kernel/environment.ts";
import type { SpentIds } from "../kernel/spent-ids.ts";
import type { Throttle } from "../kernel/throttle.ts";
import type { Notices } from "../mail/notices.ts";
import type { Devices } from "../sessions/devices.ts";
import type { Sessions, StartedSession, StartOptions } from "../sessions/sessions.ts";
import type { CompleteSignIn, SignedIn, SignIn } from "../sessions/sign-in.ts";
import { isAssured, type ProvedFactor } from "./assurance.ts";
import type { Enrolments, FinishedEnrolment } from "./enrolments.ts";
import type { FactorOwner, Factors } from "./factors.ts";
import type { Passkeys } from "./passkeys.ts";
import type { CheckedFactor, GivenFactor, SecondFactors } from "./second-factors.ts";
import {
  challengeSeconds,
  passwordStateOf,
  type SignInChallenge,
  type SignInChallenges,
} from "./sign-in-challenges.ts";
import type { TrustedDevices } from "./trusted-devices.ts";

/** Who redeems a challenge. */
export interface Redeemer {
  /** The secret in the cookie of the browser. */
  readonly browser: string | null;
  readonly source: Source;
}

/** What adding another factor takes, besides what the operations declare for the first one. */
const toAddAnother = { factors: 2, maxAgeSeconds: 15 * 60 } as const;

export type FactorSignIn = ReturnType<typeof createFactorSignIn>;

export const createFactorSignIn = ({
  db,
  now,
  users,
  sessions,
  signIn,
  signInChallenges,
  secondFactors,
  passkeys,
  enrolments,
  factors,
  trustedDevices,
  identities,
  devices,
  throttle,
  spentIds,
  anonymousEntries,
  audit,
  notices,
}: {
  db: Db;
  now: Now;
  users: Users;
  sessions: Sessions;
  signIn: SignIn;
  signInChallenges: SignInChallenges;
  secondFactors: SecondFactors;
  passkeys: Passkeys;
  enrolments: Enrolments;
  factors: Factors;
  trustedDevices: TrustedDevices;
  identities: Identities;
  devices: Devices;
  throttle: Throttle;
  spentIds: SpentIds;
  anonymousEntries: AnonymousEntries;
  audit: Audit;
  notices: Pick<Notices, "newDevice">;
}) => {
  /** Locks the account of a challenge, and spends the challenge. @throws DomainError `CHALLENGE_EXPIRED` */
  const redeemWithin = async (transaction: Db, challenge: SignInChallenge): Promise<LockedUser> => {
    const { id, userId, identity } = challenge;
    const locked = await users.lockEnabledUser(userId, transaction);
    const stands =
      locked !== null &&
      passwordStateOf(locked.passwordHash) === challenge.passwordState &&
      (identity === null || (await identities.isLinked(userId, identity.id, transaction))) &&
      (await spentIds.spend("challenge", id, challengeSeconds, transaction));
    if (!stands) throw new DomainError("CHALLENGE_EXPIRED");
    return locked;
  };

  /** Starts the session that a challenge was for. */
  const startWithin = async (
    transaction: Db,
    { userId, proved, scopes, replaces, detail, identity, deviceId }: SignInChallenge,
    added: ProvedFactor,
    source: Source,
  ): Promise<StartedSession> => {
    const options: StartOptions = { factors: [...proved, added], scopes, replaces, detail };
    const started = await sessions.startWithin(transaction, userId, source, options);
    if (identity)
      await identities.recordSession(started.session.id, identity.id, identity.providerSession, transaction);
    if (deviceId === null) await notices.newDevice(userId, source, transaction);
    return started;
  };

  /**
   * Checks a second factor within the account's limit on guessing (ASVS 6.3.1). A wrong one counts as a failed sign-in.
   * @throws DomainError `FACTOR_REFUSED`, `TOO_MANY_ATTEMPTS`, and what `secondFactors.check` throws
   */
  const checkWithinLimit = async (userId: string, knownDevice: boolean, given: GivenFactor, source: Source) => {
    const attempt = { account: accountKey(userId, ""), address: source.address, knownDevice };
    const counted = await throttle.countAttempt(attempt);
    let checked: CheckedFactor | null;
    try {
      checked = await secondFactors.check(userId, given, source);
    } catch (error) {
      await counted.refund();
      throw error;
    }
    if (checked) return { ...checked, succeeded: counted.succeeded };
    await audit.record({ action: "sign_in", outcome: "refused", userId, detail: { factor: nameOf(given) }, source });
    throw new DomainError("FACTOR_REFUSED");
  };

  /** Somebody may have added one meanwhile: whoever signs in then has to prove it. @throws DomainError `CHALLENGE_EXPIRED` */
  const assertHasNone = async (userId: string, transaction: Db = db): Promise<void> => {
    if ((await factors.list(userId, transaction)).length > 0) throw new DomainError("CHALLENGE_EXPIRED");
  };

  /**
   * Checks that a session may add a factor: beside others, it has to have proved two. Otherwise a password alone, on a
   * trusted device, would add a factor that stands in for the others.
   * @throws DomainError `REAUTHENTICATION_REQUIRED`, `INVALID_TOKEN`
   */
  const assertMayAdd = async (transaction: Db, userId: string, sessionId: string): Promise<void> => {
    // In this order: whoever sees a factor that this session just added sees that the session has proved it, too.
    const isFirst = (await factors.list(userId, transaction)).length === 0;
    const session = await sessions.liveWithin(transaction, userId, sessionId);
    if (isFirst || isAssured(session, toAddAnother, now())) return;
    throw new DomainError("REAUTHENTICATION_REQUIRED", { ...toAddAnother, phishingResistant: false });
  };

  const complete = async (
    { user, passwordHash }: Pick<LockedUser, "user" | "passwordHash">,
    started: StartedSession,
    deviceId: string,
  ): Promise<CompleteSignIn> => ({
    status: "signed_in",
    ...(await signIn.signedIn(user, started)),
    deviceToken: devices.issue({ userId: user.id, passwordHash }, deviceId),
  });

  return {
    /**
     * Completes a sign-in with a second factor.
     * @throws DomainError `FACTOR_REFUSED`, `CHALLENGE_EXPIRED`, `PASSKEYS_OFF`, `TOO_MANY_ATTEMPTS`, `OVERLOADED`
     */
    async complete(
      challengeId: string,
      given: GivenFactor,
      { trustDevice, browser, source }: Redeemer & { readonly trustDevice: boolean },
    ): Promise<CompleteSignIn> {
      const challenge = await signInChallenges.open(challengeId, "second_factor", browser);
      const { userId } = challenge;
      const checked = await checkWithinLimit(userId, challenge.deviceId !== null, given, source);
      const deviceId = challenge.deviceId ?? devices.newId();
      const { locked, started } = await db.transaction().execute(async (transaction) => {
        const account = await redeemWithin(transaction, challenge);
        if (!(await checked.spendWithin(transaction))) throw new DomainError("FACTOR_REFUSED");
        await checked.succeeded(transaction);
        await factors.cancelResetWithin(transaction, userId, source);
        if (trustDevice) await trustedDevices.trustWithin(transaction, userId, deviceId, source);
        return { locked: account, started: await startWithin(transaction, challenge, checked.proved, source) };
      });
      return complete(locked, started, deviceId);
    },

    /**
     * Signs in with a passkey alone. A passkey that nobody has is refused like a wrong password.
     * @throws DomainError `INVALID_CREDENTIALS`, `CHALLENGE_EXPIRED`, `PASSKEYS_OFF`
     */
    async withPasskey(
      answer: PasskeyAnswer,
      {
        deviceToken,
        replaces,
        source,
      }: Pick<StartOptions, "replaces"> & { deviceToken: string | null; source: Source },
    ): Promise<CompleteSignIn> {
      const refuse = async (userId: string | null): Promise<never> => {
        // Nothing else limits how often anybody can send a wrong one.
        if (await anonymousEntries.mayRecord(source))
          await audit.record({ action: "sign_in", outcome: "refused", userId, detail: { factor: "passkey" }, source });
        throw new DomainError("INVALID_CREDENTIALS");
      };
      const checked = await passkeys.check(answer);
      if (!checked) return refuse(null);
      const { userId } = checked;
      const done = await db.transaction().execute(async (transaction) => {
        const account = await users.lockEnabledUser(userId, transaction);
        if (!account || !(await checked.spendWithin(transaction))) return null;
        await factors.cancelResetWithin(transaction, userId, source);
        const known = devices.idOf(deviceToken, { userId, passwordHash: account.passwordHash });
        if (known === null) await notices.newDevice(userId, source, transaction);
        const options: StartOptions = {
          factors: [checked.proved],
          replaces: replaces ?? null,
          detail: { factor: "passkey" },
        };
        return {
          locked: account,
          started: await sessions.startWithin(transaction, userId, source, options),
          deviceId: known ?? devices.newId(),
        };
      });
      if (!done) return refuse(userId);
      return complete(done.locked, done.started, done.deviceId);
    },

    /**
     * Begins to add the factor that a sign-in requires.
     * @throws DomainError `PASSKEYS_OFF`, `CHALLENGE_EXPIRED`, also when the account has a factor by now
     */
    async beginEnrolment(challengeId: string, kind: FactorKind, browser: string | null): Promise<Enrolment> {
      const { id, userId } = await signInChallenges.open(challengeId, "enrolment", browser);
      const user = await users.find(userId);
      if (!user || user.disabled) throw new DomainError("CHALLENGE_EXPIRED");
      await assertHasNone(userId);
      return enrolments.begin(user, kind, id);
    },

    /**
     * Adds the factor that a sign-in requires, and completes the sign-in.
     * @throws DomainError `FACTOR_REFUSED`, `CHALLENGE_EXPIRED`, also when the account has a factor by now
     */
    async completeEnrolment(
      challengeId: string,
      finished: FinishedEnrolment,
      { browser, source }: Redeemer,
    ): Promise<CompleteSignIn> {
      const challenge = await signInChallenges.open(challengeId, "enrolment", browser);
      const { id, userId } = challenge;
      const checked = await enrolments.check(userId, id, finished);
      const { locked, started } = await db.transaction().execute(async (transaction) => {
        const account = await redeemWithin(transaction, challenge);
        await assertHasNone(userId, transaction);
        const { proved } = await checked.addWithin(transaction, source);
        return { locked: account, started: await startWithin(transaction, challenge, proved, source) };
      });
      return complete(locked, started, challenge.deviceId ?? devices.newId());
    },

    /**
     * Proves again who a signed-in user is: starts a session in place of theirs, in which what they proved before still
     * counts with its time (OWASP ASVS 7.2.4).
     * @throws DomainError `FACTOR_REFUSED`, `INVALID_CREDENTIALS`, `CHALLENGE_EXPIRED`, `PASSKEYS_OFF`, `TOO_MANY_ATTEMPTS`,
     * `OVERLOADED`, `INVALID_TOKEN`
     */
    async stepUp(
      { user, session }: FactorOwner,
      { password, ...given }: GivenFactor & { readonly password?: string | undefined },
      source: Source,
    ): Promise<SignedIn> {
      const { id: userId } = user;
      const stored =
        password === undefined
          ? null
          : await signIn.confirmPassword(user, password, { action: "session.step_up", source });
      const provedAt = now();
      const checked = nameOf(given) === null ? null : await checkWithinLimit(userId, true, given, source);
      const started = await db.transaction().execute(async (transaction) => {
        const locked = await users.lockEnabledUser(userId, transaction);
        if (!locked) throw new DomainError("INVALID_TOKEN");
        if (stored !== null && locked.passwordHash !== stored) throw new DomainError("INVALID_CREDENTIALS");
        if (checked && !(await checked.spendWithin(transaction))) throw new DomainError("FACTOR_REFUSED");
        await checked?.succeeded(transaction);
        // Whoever has a factor has not lost it.
        if (checked) await factors.cancelResetWithin(transaction, userId, source);
        const proved: ProvedFactor[] = [
          ...(stored === null ? [] : [{ method: "password" as const, at: provedAt }]),
          ...(checked ? [checked.proved] : []),
        ];
        const next = await sessions.startWithin(transaction, userId, source, {
          factors: proved,
          continues: session,
          scopes: session.scopes,
          detail: { factors: proved.map(({ method }) => method) },
        });
        await identities.continueSession(session.id, next.session.id, transaction);
        return next;
      });
      return signIn.signedIn(user, started);
    },

    /**
     * Begins to add a factor to the account of a signed-in user.
     * @throws DomainError `TOO_MANY_FACTORS`, `PASSKEYS_OFF`, `REAUTHENTICATION_REQUIRED`, `INVALID_TOKEN`
     */
    async beginFactor({ user, session }: FactorOwner, kind: FactorKind): Promise<Enrolment> {
      await assertMayAdd(db, user.id, session.id);
      return enrolments.begin(user, kind, session.id);
    },

    /**
     * Adds a factor to the account of a signed-in user. Their session has proved it then.
     * @throws DomainError `FACTOR_REFUSED`, `CHALLENGE_EXPIRED`, `TOO_MANY_FACTORS`, `REAUTHENTICATION_REQUIRED`,
     * `INVALID_TOKEN`
     */
    async completeFactor({ user, session }: FactorOwner, finished: FinishedEnrolment, source: Source) {
      const checked = await enrolments.check(user.id, session.id, finished);
      return db.transaction().execute(async (transaction) => {
        if (!(await users.lockEnabledUser(user.id, transaction))) throw new DomainError("INVALID_TOKEN");
        await assertMayAdd(transaction, user.id, session.id);
        const { factor, proved } = await checked.addWithin(transaction, source);
        await sessions.proveWithin(transaction, session.id, proved);
        return factor;
      });
    },
  };
};

/** Which factor was given, for the audit log. `null`: none. */
const nameOf = ({ totp, recoveryCode, passkey }: GivenFactor): string | null => {
  if (passkey) return "passkey";
  if (recoveryCode !== undefined) return "recovery_code";
  return totp === undefined ? null : "totp";
};
