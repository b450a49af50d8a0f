// Owns signing in to first-party clients and staying signed in: from a password to a session with its access token and
// refresh token. Sessions: `sessions.ts`; the limit on guessing: `kernel/throttle.ts`.

import type { LoginInput, User } from "@lockstep/kit";
import type { Db } from "../../db/database.ts";
import type { Passwords, Verification } from "../accounts/passwords.ts";
import type { Proofs } from "../accounts/proofs.ts";
import { accountKey, normalizeLogin, type Users } from "../accounts/users.ts";
import type { Audit, Source } from "../kernel/audit.ts";
import { DomainError } from "../kernel/domain-error.ts";
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

export interface PasswordSignIn {
  readonly login: Pick<LoginInput, "username" | "password">;
  /** The device token of an earlier sign-in. */
  readonly deviceToken: string | null;
  readonly source: Source;
  /** The scopes that the session is narrowed to. Default: the session is not narrowed. */
  readonly scopes?: readonly string[] | null;
  /** The session that the same browser had before, which ends. */
  readonly replaces?: StartOptions["replaces"];
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
  scopes: Pick<Scopes, "names">;
}) => {
  const issueFor = async (user: User, session: Session, lifetimeSeconds?: number): Promise<WithAccessToken> => {
    const scopes = session.scopes ?? scopeNames;
    const { accessToken, expiresInSeconds } = await tokens.issue(
      { userId: user.id, sessionId: session.id, clientId: firstPartyClientId, scopes },
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

  return {
    /**
     * Starts a new session for a username and password. An unknown user, a wrong password and a disabled user get the
     * same refusal, in the same time.
     * @throws DomainError `INVALID_CREDENTIALS`, `TOO_MANY_ATTEMPTS`, `OVERLOADED`
     */
    async withPassword({
      login,
      deviceToken,
      source,
      scopes = null,
      replaces = null,
    }: PasswordSignIn): Promise<SignedIn & { deviceToken: string }> {
      passwords.refuseWhenFull();
      const found = await users.findByLogin(login.username);
      // A disabled account is treated like an unknown one, so that timing does not reveal whether the password was
      // right.
      const enabled = found && !found.user.disabled ? found : null;
      const attempt: Attempt = {
        account: accountKey(found?.user.id ?? null, proofs.asked("sign_in", normalizeLogin(login.username))),
        address: source.address,
        knownDevice: devices.verify(deviceToken, found && ownerOf(found)),
      };
      const verification = await verifyWithin(attempt, login.password, enabled?.passwordHash ?? null);
      if (!enabled?.passwordHash || !verification.matches) {
        await audit.record({ action: "sign_in", outcome: "refused", userId: found?.user.id ?? null, source });
        throw new DomainError("INVALID_CREDENTIALS");
      }
      const { user, passwordHash } = enabled;
      const { upgrade, succeeded, refund } = verification;
      const started = await db.transaction().execute(async (transaction) => {
        const locked = await users.lockEnabledUser(user.id, transaction);
        if (locked?.passwordHash !== passwordHash) return null;
        if (upgrade !== null) await users.replacePasswordHash(user.id, upgrade, transaction);
        await succeeded(transaction);
        if (!attempt.knownDevice) await notices.newDevice(user.id, source, transaction);
        return sessions.startWithin(transaction, user.id, source, { scopes, methods: ["password"], replaces });
      });
      if (started === null) {
        // The hash took time to compute. Meanwhile the password or the account changed, or a concurrent sign-in stored
        // the upgraded hash, possibly another server's: the attempt was not made against the current hash, so try
        // again.
        await refund();
        return this.withPassword({ login, deviceToken, source, scopes, replaces });
      }
      return {
        ...(await signedIn(user, started)),
        deviceToken: devices.issue({ userId: user.id, passwordHash: upgrade ?? passwordHash }),
      };
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
     * Checks the password of a signed-in user, and returns its stored form.
     * @throws DomainError `INVALID_CREDENTIALS`, `TOO_MANY_ATTEMPTS`, `OVERLOADED`
     */
    async confirmPassword(user: User, password: string, source: Source): Promise<string> {
      const stored = (await users.findByLogin(user.username))?.passwordHash ?? null;
      // The device is known: the person is signed in on it.
      const attempt: Attempt = {
        account: accountKey(user.id),
        address: source.address,
        knownDevice: true,
      };
      const { matches, succeeded } = await verifyWithin(attempt, password, stored);
      if (stored === null || !matches) throw new DomainError("INVALID_CREDENTIALS");
      await db.transaction().execute(succeeded);
      return stored;
    },
  };
};

const ownerOf = ({ user, passwordHash }: { user: User; passwordHash: string | null }): DeviceOwner | null =>
  passwordHash === null ? null : { userId: user.id, passwordHash };
