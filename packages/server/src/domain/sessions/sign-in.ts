// Owns signing in to first-party clients and staying signed in: from a password to a session with its access token and
// refresh token. Sessions: `sessions.ts`; the limit on guessing: `kernel/throttle.ts`.

import type { LoginInput, User } from "@lockstep/kit";
import type { Db } from "../../db/database.ts";
import type { Deletions } from "../accounts/deletion.ts";
import type { Passwords, Verification } from "../accounts/passwords.ts";
import type { Proofs } from "../accounts/proofs.ts";
import { accountKey, type LockedUser, normalizeLogin, type Users } from "../accounts/users.ts";
import { claimsOf } from "../factors/assurance.ts";
import type { FirstStep, MissingStep, PendingSignIn, SignInChallenges } from "../factors/sign-in-challenges.ts";
import type { Audit, AuditAction, Source } from "../kernel/audit.ts";
import { DomainError } from "../kernel/domain-error.ts";
import type { Now } from "../kernel/environment.ts";
import { network } from "../kernel/ip-addresses.ts";
import type { Attempt, CountedAttempt, Throttle } from "../kernel/throttle.ts";
import type { Notices } from "../mail/notices.ts";
import type { Scopes } from "../tokens/scopes.ts";
import { firstPartyClientId, requestTokenLifetimeSeconds, type Tokens } from "../tokens/tokens.ts";
import type { DeviceOwner, Devices } from "./devices.ts";
import type { RefreshedSession, Session, Sessions, StartedSession, StartOptions } from "./sessions.ts";

/** A session with an access token, and without a refresh token. */
export interface WithAccessToken {
  readonly user: User;
  readonly session: Session;
  readonly scopes: readonly string[];
  readonly accessToken: string;
  readonly accessTokenLifetimeSeconds: number;
}

/** The answer to a sign-in. */
export interface SignedIn extends WithAccessToken {
  readonly refreshToken: string;
  /** Epoch milliseconds. */
  readonly refreshTokenExpiresAt: number;
}

/** A sign-in that is complete, with the token that makes the device known. */
export interface CompleteSignIn extends SignedIn {
  readonly status: "signed_in";
  readonly deviceToken: string;
}

/** The outcome of a first factor. */
export type SignInOutcome = CompleteSignIn | PendingSignIn;

/** A session that started, or what has to follow first. */
export type Continued = { readonly started: StartedSession } | { readonly missing: MissingStep };

/** A password alone does not sign in to this account: it has a second factor, or needs one. */
export class SecondStepNeeded extends Error {
  override readonly name = "SecondStepNeeded";
}

/** A sign-in that one factor completes. @throws SecondStepNeeded */
export const completeOnly = (outcome: SignInOutcome): CompleteSignIn => {
  if (outcome.status !== "signed_in") throw new SecondStepNeeded();
  return outcome;
};

export interface PasswordSignIn {
  readonly login: Pick<LoginInput, "username" | "password">;
  /** The device token of an earlier sign-in. */
  readonly deviceToken: string | null;
  readonly source: Source;
  /** The scopes that the session is narrowed to. Default: the session is not narrowed. */
  readonly scopes?: readonly string[] | null;
  /** The session that the same browser had before, which ends. */
  readonly replaces?: StartOptions["replaces"];
  /** The secret in the cookie of the browser. Default: a client without cookies. */
  readonly browser?: string | null;
}

export type SignIn = ReturnType<typeof createSignIn>;

export const createSignIn = ({
  db,
  users,
  passwords,
  proofs,
  sessions,
  tokens,
  throttle,
  devices,
  audit,
  notices,
  signInChallenges,
  now,
  deletions,
  scopes: { names: scopeNames },
}: {
  db: Db;
  users: Users;
  passwords: Passwords;
  proofs: Pick<Proofs, "asked">;
  sessions: Sessions;
  tokens: Tokens;
  throttle: Throttle;
  devices: Devices;
  audit: Audit;
  notices: Pick<Notices, "newDevice">;
  signInChallenges: SignInChallenges;
  now: Now;
  deletions: Pick<Deletions, "linkToCancel">;
  scopes: Pick<Scopes, "names">;
}) => {
  const issueFor = async (user: User, session: Session, lifetimeSeconds?: number): Promise<WithAccessToken> => {
    const scopes = session.scopes ?? scopeNames;
    const { accessToken, expiresInSeconds } = await tokens.issue(
      { userId: user.id, sessionId: session.id, clientId: firstPartyClientId, scopes, assurance: claimsOf(session) },
      lifetimeSeconds,
    );
    return { user, scopes, session, accessToken, accessTokenLifetimeSeconds: expiresInSeconds };
  };

  const withAccessToken = async (user: User, refreshed: RefreshedSession): Promise<SignedIn> => ({
    ...(await issueFor(user, refreshed.session)),
    refreshToken: refreshed.refreshToken,
    refreshTokenExpiresAt: refreshed.expiresAt,
  });

  /** The answer for a session that was just started and committed. Announces the session. */
  const signedIn = async (user: User, started: StartedSession): Promise<SignedIn> => {
    try {
      return await withAccessToken(user, started);
    } finally {
      // Last: a page that learns that its session was replaced before it has the new one shows the sign-in page.
      started.announce();
    }
  };

  /**
   * Verifies a password within the limit on guessing. An attempt that is refused because of overload is not counted. The
   * caller records a success with `succeeded`, in the transaction of what the password was for: each commit of SQLite
   * waits for the disk on the event loop.
   */
  const verifyWithin = async (
    attempt: Attempt,
    password: string,
    passwordHash: string | null,
  ): Promise<Verification & CountedAttempt> => {
    const { account, address } = attempt;
    const shares = [`account:${account}`, ...(address === null ? [] : [`address:${network(address)}`])];
    // Before anything is written: a refusal in a flood must cost next to nothing.
    passwords.refuseWhenFull(shares);
    const counted = await throttle.countAttempt(attempt);
    try {
      return { ...(await passwords.verify(password, passwordHash, shares)), ...counted };
    } catch (error) {
      await counted.refund();
      throw error;
    }
  };

  /**
   * Starts the session of a person who proved a first factor, unless more has to follow. The caller has locked the user,
   * and calls `finish` when the transaction is committed.
   */
  const continueWithin = async (
    transaction: Db,
    locked: LockedUser,
    first: FirstStep,
    source: Source,
  ): Promise<Continued> => {
    const missing = await signInChallenges.missingWithin(transaction, locked, first, source);
    if (missing) return { missing };
    const { proved: factors, scopes = null, replaces = null, detail = {} } = first;
    const options: StartOptions = { factors, scopes, replaces, detail };
    return { started: await sessions.startWithin(transaction, locked.user.id, source, options) };
  };

  /** The answer to a first factor. */
  const finish = async (
    continued: Continued,
    account: Pick<LockedUser, "user" | "passwordHash">,
    first: FirstStep,
  ): Promise<SignInOutcome> => {
    if ("missing" in continued) return signInChallenges.issue(continued.missing, account, first);
    const { user, passwordHash } = account;
    return {
      status: "signed_in",
      ...(await signedIn(user, continued.started)),
      // A trusted device is known by its ID.
      deviceToken: devices.issue({ userId: user.id, passwordHash }, first.deviceId ?? devices.newId()),
    };
  };

  return {
    continueWithin,
    finish,

    /**
     * Signs in with a username and a password, as far as they go. An unknown user, a wrong password and a disabled user
     * get the same refusal, in the same time. The owner of an account that is to be deleted gets a link to cancel that.
     * @throws DomainError `INVALID_CREDENTIALS`, `DELETION_PENDING`, `TOO_MANY_ATTEMPTS`, `OVERLOADED`
     */
    async begin(signIn: PasswordSignIn): Promise<SignInOutcome> {
      const { login, deviceToken, source, scopes = null, replaces = null, browser = null } = signIn;
      passwords.refuseWhenFull();
      const found = await users.findByLogin(login.username);
      // A disabled account is treated like an unknown one, so that timing does not reveal whether the password was
      // right. Only the owner can know that an account is to be deleted, and cancel it.
      const enabled = found && (!found.user.disabled || found.deletesAt !== null) ? found : null;
      const deviceId = devices.idOf(deviceToken, found && ownerOf(found));
      const attempt: Attempt = {
        account: accountKey(found?.user.id ?? null, proofs.asked("sign_in", normalizeLogin(login.username))),
        address: source.address,
        knownDevice: deviceId !== null,
      };
      const verification = await verifyWithin(attempt, login.password, enabled?.passwordHash ?? null);
      if (!enabled?.passwordHash || !verification.matches) {
        await audit.record({ action: "sign_in", outcome: "refused", userId: found?.user.id ?? null, source });
        throw new DomainError("INVALID_CREDENTIALS");
      }
      const { user, passwordHash } = enabled;
      const { upgrade, succeeded, refund } = verification;
      if (user.disabled) {
        const link = await db.transaction().execute(async (transaction) => {
          await users.lockUser(user.id, transaction);
          const offered = await deletions.linkToCancel(user.id, transaction);
          if (offered === null) return null;
          await succeeded(transaction);
          const refused = {
            outcome: "refused",
            userId: user.id,
            detail: { reason: "deletion_pending" },
            source,
          } as const;
          await audit.record({ action: "sign_in", ...refused }, transaction);
          return offered;
        });
        if (link !== null) throw new DomainError("DELETION_PENDING", link);
        // The deletion was cancelled meanwhile, or has begun.
        await refund();
        return this.begin(signIn);
      }
      const first: FirstStep = { proved: [{ method: "password", at: now() }], browser, deviceId, scopes, replaces };
      const continued = await db.transaction().execute(async (transaction) => {
        const locked = await users.lockEnabledUser(user.id, transaction);
        if (locked?.passwordHash !== passwordHash) return null;
        if (upgrade !== null) await users.replacePasswordHash(user.id, upgrade, transaction);
        const outcome = await continueWithin(transaction, locked, first, source);
        if ("missing" in outcome) return outcome;
        await succeeded(transaction);
        if (!attempt.knownDevice) await notices.newDevice(user.id, source, transaction);
        return outcome;
      });
      // When more follows, the password was no failure. It is no success yet either: wrong codes count on (ASVS 6.3.1).
      if (continued === null || "missing" in continued) await refund();
      // The hash took time to compute. Meanwhile the password or the account changed, or a concurrent sign-in stored the
      // upgraded hash, possibly another server's: the attempt was not made against the current hash, so try again.
      if (continued === null) return this.begin(signIn);
      return finish(continued, { user, passwordHash: upgrade ?? passwordHash }, first);
    },

    /**
     * Starts a new session for a username and a password alone.
     * @throws DomainError as `begin`; SecondStepNeeded when the account has a second factor, or needs one
     */
    async withPassword(signIn: PasswordSignIn): Promise<CompleteSignIn> {
      return completeOnly(await this.begin(signIn));
    },

    signedIn,

    /**
     * Issues the next access token of a session for its refresh token.
     * @throws DomainError `SESSION_ENDED`
     */
    async withRefreshToken(refreshToken: string, source: Source): Promise<SignedIn> {
      const { user, ...refreshed } = await sessions.refresh(refreshToken, source);
      return withAccessToken(user, refreshed);
    },

    /**
     * Issues an access token for one request, and leaves the refresh token as it is.
     * @returns `refreshDue`: whether the refresh token should be redeemed now
     * @throws DomainError `SESSION_ENDED`
     */
    async forOneRequest(refreshToken: string, source: Source): Promise<WithAccessToken & { refreshDue: boolean }> {
      const { user, session, refreshDue } = await sessions.readByRefreshToken(refreshToken, source);
      return { ...(await issueFor(user, session, requestTokenLifetimeSeconds)), refreshDue };
    },

    /**
     * Checks the password of a signed-in user, and returns its stored form. `action`: what it is for, if it is wrong.
     * @throws DomainError `INVALID_CREDENTIALS`, `TOO_MANY_ATTEMPTS`, `OVERLOADED`
     */
    async confirmPassword(
      user: User,
      password: string,
      { action, source }: { action: Extract<AuditAction, "session.step_up" | "password.change">; source: Source },
    ): Promise<string> {
      const stored = (await users.findByLogin(user.username))?.passwordHash ?? null;
      // The device is known: the person is signed in on it.
      const attempt: Attempt = {
        account: accountKey(user.id),
        address: source.address,
        knownDevice: true,
      };
      const { matches, succeeded, refund } = await verifyWithin(attempt, password, stored);
      if (stored === null || !matches) {
        await audit.record({ action, outcome: "refused", userId: user.id, source });
        throw new DomainError("INVALID_CREDENTIALS");
      }
      // Where a second factor follows, the password forgives no wrong codes.
      if ((await signInChallenges.methodsOf(db, user.id)).length > 0) await refund();
      else await db.transaction().execute(succeeded);
      return stored;
    },
  };
};

const ownerOf = ({ user, passwordHash }: { user: User; passwordHash: string | null }): DeviceOwner | null =>
  passwordHash === null ? null : { userId: user.id, passwordHash };
