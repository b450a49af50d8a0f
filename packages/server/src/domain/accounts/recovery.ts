// Owns recovering an account: whoever proves its address sets a new password, or the first one. That ends every session
// and grant, keeps second factors, and tells the owner. It does not sign in.

import type { User } from "@lockstep/kit";
import type { Db } from "../../db/database.ts";
import type { Grants } from "../clients/grants.ts";
import type { Identities } from "../identities/identities.ts";
import type { Audit } from "../kernel/audit.ts";
import { DomainError } from "../kernel/domain-error.ts";
import type { Notices } from "../mail/notices.ts";
import type { Devices } from "../sessions/devices.ts";
import type { SessionEvents } from "../sessions/session-events.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { PasswordPolicy } from "./password-policy.ts";
import type { Passwords } from "./passwords.ts";
import type { Asker, ProofRequests } from "./proof-requests.ts";
import type { Proof, Proofs } from "./proofs.ts";
import { canGetMail, normalizeLogin, type Users } from "./users.ts";

export type Recovery = ReturnType<typeof createRecovery>;

export const createRecovery = ({
  db,
  users,
  passwords,
  passwordPolicy,
  proofs,
  proofRequests,
  sessions,
  grants,
  identities,
  devices,
  notices,
  audit,
  events,
}: {
  db: Db;
  users: Users;
  passwords: Passwords;
  passwordPolicy: PasswordPolicy;
  proofs: Proofs;
  proofRequests: ProofRequests;
  sessions: Sessions;
  grants: Grants;
  identities: Identities;
  devices: Devices;
  notices: Pick<Notices, "tell">;
  audit: Audit;
  events: SessionEvents;
}) => {
  /** `user` is the account that was named. `null`: there is none. */
  const request = (asked: string, user: User | null, { browser, source }: Asker) => {
    const recoverable = user !== null && canGetMail(user) ? user : null;
    return proofRequests.request({
      purpose: "recovery",
      asked,
      userId: recoverable?.id ?? null,
      email: recoverable?.email ?? null,
      browser,
      source,
      mail: recoverable
        ? ({ code, secret }, expiresAt) => ({
            template: "recovery",
            to: recoverable.email,
            userId: recoverable.id,
            data: { username: recoverable.username, code, secret },
            expiresAt,
          })
        : null,
    });
  };

  return {
    /**
     * Sends a code to the proved address of the account with this username or address, if there is one.
     * @throws DomainError `MAIL_OFF`, `TOO_MANY_ATTEMPTS`
     */
    async request({ login, ...asker }: { login: string } & Asker): Promise<{ proofId: string }> {
      proofRequests.assertMail();
      const found = await users.findByLogin(login);
      return request(proofs.asked("recovery", normalizeLogin(login)), found?.user ?? null, asker);
    },

    /** Sends a new code for an earlier request. @throws DomainError `MAIL_OFF`, `TOO_MANY_ATTEMPTS` */
    async requestAgain({ asked, userId }: Proof, asker: Asker): Promise<{ proofId: string }> {
      return request(asked, await users.find(userId ?? ""), asker);
    },

    /**
     * Sets the password of the account whose address was proved, and returns a device token: attacks on the account from
     * elsewhere do not keep its owner from signing in on this device.
     * @throws DomainError `PROOF_REFUSED`, `PASSWORD_REFUSED`, `OVERLOADED`
     */
    async complete({
      newPassword,
      source,
      ...given
    }: { proofId: string; code: string; newPassword: string } & Asker): Promise<{ deviceToken: string }> {
      const proof = await proofs.check(given, "recovery");
      const user = await users.find(proof.userId ?? "");
      if (!user) throw dead();
      const { id: userId, username, email, fullName } = user;
      await passwordPolicy.assertAllowed(newPassword, [username, email ?? "", fullName]);
      const passwordHash = await passwords.hash(newPassword);
      const ended = await db.transaction().execute(async (transaction) => {
        const locked = await users.lockEnabledUser(userId, transaction);
        // The account was disabled, or its address changed, since the code was sent.
        if (!locked || !canGetMail(locked.user) || locked.user.email !== proof.email) throw dead();
        await proofs.spendWithin(transaction, proof.id);
        await users.replacePasswordHash(userId, passwordHash, transaction);
        if (locked.emailProof !== "mail") {
          // Until now, others only claimed that this address is the account's: what they set may be an attacker's.
          await identities.unlinkAllOf(userId, source, transaction);
          await users.setEmail(userId, { email: locked.user.email, proof: "mail" }, transaction);
        }
        await grants.revokeAllOf(userId, source, transaction);
        await proofs.cancelWithin(transaction, userId, ["recovery", "email_change", "sign_in"]);
        await audit.record({ action: "password.reset", userId, source }, transaction);
        const template = locked.passwordHash === null ? "password_created" : "password_changed";
        await notices.tell(userId, template, {}, source, transaction);
        return sessions.endWithin(transaction, userId, { except: null }, "password_changed", source);
      });
      ended.announce();
      events.publish(userId, { type: "password_changed" });
      return { deviceToken: devices.issue({ userId, passwordHash }) };
    },
  };
};

const dead = () => new DomainError("PROOF_REFUSED", { reason: "expired", triesLeft: 0 });
