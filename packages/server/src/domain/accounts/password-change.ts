// Owns replacing a password: by its owner, who knows the current one or has none yet, and by an operator's command.
// Each revokes the account's other sessions in the same transaction, and grants and identities if asked to, and tells the
// owner by mail.

import { type Identity, type RecentAccess, recentAccessDays, type User } from "@lockstep/kit";
import type { Db } from "../../db/database.ts";
import type { Grants } from "../clients/grants.ts";
import type { Factors } from "../factors/factors.ts";
import type { Identities } from "../identities/identities.ts";
import type { Audit, Source } from "../kernel/audit.ts";
import { DomainError } from "../kernel/domain-error.ts";
import type { Now } from "../kernel/environment.ts";
import type { Notices } from "../mail/notices.ts";
import type { SessionEvents } from "../sessions/session-events.ts";
import type { Session, Sessions } from "../sessions/sessions.ts";
import type { SignIn } from "../sessions/sign-in.ts";
import type { PasswordPolicy } from "./password-policy.ts";
import type { Passwords } from "./passwords.ts";
import type { Users } from "./users.ts";

/** The access that an owner revokes together with the change. Default: none. */
export interface RevokedAccess {
  /** IDs of clients whose grants are revoked. `true`: every grant. */
  readonly revokeGrants?: boolean | readonly string[];
  /** IDs of identities that are unlinked. */
  readonly unlinkIdentities?: readonly string[];
}

export interface Owner {
  readonly user: User;
  readonly session: Session;
}

/** The actions that set a password. An account that was created without one has one of the others later. */
const settingActions = ["password.change", "password.create", "password.reset", "password.set", "user.create"] as const;

export type PasswordChange = ReturnType<typeof createPasswordChange>;

export const createPasswordChange = ({
  db,
  now,
  users,
  passwords,
  passwordPolicy,
  sessions,
  grants,
  identities,
  factors,
  signIn,
  audit,
  events,
  notices,
}: {
  db: Db;
  now: Now;
  users: Users;
  passwords: Passwords;
  passwordPolicy: PasswordPolicy;
  sessions: Sessions;
  grants: Grants;
  identities: Identities;
  factors: Pick<Factors, "list">;
  signIn: SignIn;
  audit: Audit;
  events: SessionEvents;
  notices: Pick<Notices, "tell" | "reaches">;
}) => {
  const recentSince = () => now() - recentAccessDays * 24 * 60 * 60 * 1000;

  /** @throws DomainError `PASSWORD_REFUSED`, `OVERLOADED` */
  const hashAllowed = async ({ username, email, fullName }: User, newPassword: string) => {
    await passwordPolicy.assertAllowed(newPassword, [username, email ?? "", fullName]);
    return passwords.hash(newPassword);
  };

  /** `replace` writes the new hash. When it throws, nothing changes. */
  const replaceByOwner = async (
    { user, session }: Owner,
    { revokeGrants = false, unlinkIdentities = [] }: RevokedAccess,
    source: Source,
    replace: (transaction: Db) => Promise<void>,
  ) => {
    const ended = await db.transaction().execute(async (transaction) => {
      await replace(transaction);
      if (revokeGrants !== false)
        await grants.revokeAllOf(user.id, source, transaction, revokeGrants === true ? null : revokeGrants);
      await identities.unlinkAmong(user.id, unlinkIdentities, source, transaction);
      return sessions.endWithin(transaction, user.id, { except: session.id }, "password_changed", source);
    });
    ended.announce();
    events.publish(user.id, { type: "password_changed" });
  };

  return {
    /**
     * Changes the password of a signed-in user, and revokes their other sessions and the access that they name.
     * @throws DomainError `INVALID_CREDENTIALS`, `PASSWORD_REFUSED`, `TOO_MANY_ATTEMPTS`, `OVERLOADED`
     */
    async byOwner(
      owner: Owner,
      { currentPassword, newPassword, ...revoked }: { currentPassword: string; newPassword: string } & RevokedAccess,
      source: Source,
    ): Promise<void> {
      const { user, session } = owner;
      const verified = await signIn.confirmPassword(user, currentPassword, { action: "password.change", source });
      const passwordHash = await hashAllowed(user, newPassword);
      await replaceByOwner(owner, revoked, source, async (transaction) => {
        // The hash took time to compute: the password may have changed since it was verified.
        const locked = await users.lockEnabledUser(user.id, transaction);
        if (locked?.passwordHash !== verified) throw new DomainError("INVALID_CREDENTIALS");
        await users.replacePasswordHash(user.id, passwordHash, transaction);
        await audit.record({ action: "password.change", userId: user.id, sessionId: session.id, source }, transaction);
        await notices.tell(user.id, "password_changed", {}, source, transaction);
      });
    },

    /**
     * Sets the first password of a signed-in user who has none.
     * @throws DomainError `PASSWORD_EXISTS`, `PASSWORD_REFUSED`, `OVERLOADED`
     */
    async setFirst(
      owner: Owner,
      { newPassword, ...revoked }: { newPassword: string } & RevokedAccess,
      source: Source,
    ): Promise<void> {
      const { user, session } = owner;
      if (await users.hasPassword(user.id)) throw new DomainError("PASSWORD_EXISTS");
      const passwordHash = await hashAllowed(user, newPassword);
      await replaceByOwner(owner, revoked, source, async (transaction) => {
        // Of two concurrent calls, the second finds the password of the first.
        const locked = await users.lockEnabledUser(user.id, transaction);
        if (locked?.passwordHash !== null) throw new DomainError("PASSWORD_EXISTS");
        await users.replacePasswordHash(user.id, passwordHash, transaction);
        await audit.record({ action: "password.create", userId: user.id, sessionId: session.id, source }, transaction);
        await notices.tell(user.id, "password_created", {}, source, transaction);
      });
    },

    /**
     * Replaces a password without its owner; the caller has hashed it. Revokes every session and grant in the same
     * transaction, since an attacker may have created them. Unlinks recent identities if asked to. Returns the recent
     * identities that remain.
     */
    async byAdministrator(
      userId: string,
      passwordHash: string,
      source: Source,
      { unlinkRecentIdentities = false }: { unlinkRecentIdentities?: boolean } = {},
    ): Promise<Identity[]> {
      const ended = await db.transaction().execute(async (transaction) => {
        await users.replacePasswordHash(userId, passwordHash, transaction);
        await grants.revokeAllOf(userId, source, transaction);
        if (unlinkRecentIdentities) await identities.unlinkSince(userId, recentSince(), source, transaction);
        await audit.record({ action: "password.set", userId, source }, transaction);
        await notices.tell(userId, "password_set", {}, source, transaction);
        return sessions.endWithin(transaction, userId, { except: null }, "password_changed", source);
      });
      ended.announce();
      return identities.listLinkedSince(userId, recentSince());
    },

    /**
     * Removes a password that somebody else may know, revokes every session and grant, and asks the owner by mail to set
     * another one by recovery. Whoever asks for it neither sets nor sees a password (OWASP ASVS 6.4.6). `false`: nothing
     * was done, since no mail would reach a verified address of the account.
     */
    async requireReset(userId: string, source: Source): Promise<boolean> {
      const ended = await db.transaction().execute(async (transaction) => {
        const locked = await users.lockEnabledUser(userId, transaction);
        if (!locked || !notices.reaches(locked.user)) return null;
        await users.replacePasswordHash(userId, null, transaction);
        await grants.revokeAllOf(userId, source, transaction);
        await audit.record({ action: "password.require_reset", userId, source }, transaction);
        await notices.tell(userId, "password_reset_required", {}, source, transaction);
        return sessions.endWithin(transaction, userId, { except: null }, "password_changed", source);
      });
      ended?.announce();
      return ended !== null;
    },

    /** When the password was last set, by the audit log: epoch milliseconds. `null`: before the log began. */
    lastSetAt: (userId: string): Promise<number | null> => audit.lastAt(userId, settingActions),

    /** The identities and grants that were added to an account in the last 30 days. */
    async recentAccess(userId: string): Promise<RecentAccess> {
      const since = recentSince();
      const [linked, granted, added] = await Promise.all([
        identities.listLinkedSince(userId, since),
        grants.list(userId, since),
        factors.list(userId),
      ]);
      return {
        identities: linked,
        grants: granted,
        factors: added.filter(({ createdAt }) => createdAt >= since),
      };
    },
  };
};
