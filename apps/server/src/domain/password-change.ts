// Owns changing a password: by its owner, who knows the current one, and by an administrator's command. Either
// ends the account's other sessions in the same transaction.

import type { User } from "@lockstep/contract";
import type { Audit, Source } from "./audit.ts";
import { DomainError } from "./domain-error.ts";
import type { PasswordPolicy } from "./password-policy.ts";
import type { Passwords } from "./passwords.ts";
import type { SessionEvents } from "./session-events.ts";
import type { Session, Sessions } from "./sessions.ts";
import type { SignIn } from "./sign-in.ts";
import type { Users } from "./users.ts";

export type PasswordChange = ReturnType<typeof createPasswordChange>;

export const createPasswordChange = ({
  users,
  passwords,
  passwordPolicy,
  sessions,
  signIn,
  audit,
  events,
}: {
  users: Users;
  passwords: Passwords;
  passwordPolicy: PasswordPolicy;
  sessions: Sessions;
  signIn: SignIn;
  audit: Audit;
  events: SessionEvents;
}) => ({
  /**
   * Changes the password of somebody who is signed in, and ends their other sessions.
   * @throws DomainError `INVALID_CREDENTIALS`, `PASSWORD_REFUSED`, `TOO_MANY_ATTEMPTS`, `OVERLOADED`
   */
  async byOwner(
    owner: { user: User; session: Session },
    { currentPassword, newPassword }: { currentPassword: string; newPassword: string },
    source: Source,
  ): Promise<void> {
    const { user, session } = owner;
    const verified = await signIn.confirmPassword(user, currentPassword, source);
    const refusal = await passwordPolicy.refusalOf(newPassword, [user.username, user.email ?? "", user.fullName]);
    if (refusal) {
      throw new DomainError("PASSWORD_REFUSED", { reason: refusal.reason, explanation: refusal.message });
    }
    const passwordHash = await passwords.hash(newPassword);
    await sessions.endAllOf(user.id, "password_changed", source, {
      except: session.id,
      async alongside(transaction) {
        // Hashing took its time: a password that somebody else changed meanwhile is not the one that was verified.
        const held = await users.hold(user.id, verified, passwordHash, transaction);
        if (!held) throw new DomainError("INVALID_CREDENTIALS");
        await audit.record({ action: "password.change", userId: user.id, sessionId: session.id, source }, transaction);
      },
    });
    events.publish(user.id, { type: "password_changed" });
  },

  /** Sets a password that an administrator was given, already hashed, and ends every session of the account. */
  async byAdministrator(userId: string, passwordHash: string, source: Source): Promise<void> {
    await sessions.endAllOf(userId, "password_changed", source, {
      async alongside(transaction) {
        await users.setPasswordHash(userId, passwordHash, transaction);
        await audit.record({ action: "password.set", userId, source }, transaction);
      },
    });
    events.publish(userId, { type: "password_changed" });
  },
});
