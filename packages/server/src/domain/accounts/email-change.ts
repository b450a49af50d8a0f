// Owns changing and removing the address of an account. It takes the owner's fresh sign-in and a proof of the new address.
// The old address is told, and can undo the change for a week.

import type { User } from "@lockstep/kit";
import type { Db } from "../../db/database.ts";
import type { Grants } from "../clients/grants.ts";
import type { Factors } from "../factors/factors.ts";
import type { Identities } from "../identities/identities.ts";
import type { Audit, Source } from "../kernel/audit.ts";
import { DomainError } from "../kernel/domain-error.ts";
import type { Notices } from "../mail/notices.ts";
import type { Session, Sessions } from "../sessions/sessions.ts";
import type { Accounts } from "./accounts.ts";
import type { Deletions } from "./deletion.ts";
import type { Asker, ProofRequests } from "./proof-requests.ts";
import type { Proof, Proofs } from "./proofs.ts";
import type { LockedUser, Users } from "./users.ts";

/** How long the old address can undo a change. */
const undoSeconds = 7 * 24 * 60 * 60;

export type EmailChanges = ReturnType<typeof createEmailChanges>;

export const createEmailChanges = ({
  db,
  users,
  accounts,
  proofs,
  proofRequests,
  sessions,
  grants,
  identities,
  factors,
  deletions,
  notices,
  audit,
}: {
  db: Db;
  users: Users;
  accounts: Accounts;
  proofs: Proofs;
  proofRequests: ProofRequests;
  sessions: Sessions;
  grants: Grants;
  identities: Identities;
  factors: Pick<Factors, "removeSince">;
  deletions: Pick<Deletions, "cancelOfOwnerWithin">;
  notices: Pick<Notices, "emailChanged">;
  audit: Audit;
}) => {
  const request = async (userId: string, email: string, { browser, source }: Asker) => {
    const holder = (await users.findByLogin(email))?.user;
    // Somebody else's: its owner is told, and the person who asked sees no difference.
    const owner = holder?.emailVerified && holder.id !== userId ? holder : null;
    return proofRequests.request({
      purpose: "email_change",
      asked: proofs.asked("email_change", userId),
      userId,
      email,
      browser,
      source,
      mail: ({ code, secret }, expiresAt) =>
        owner === null
          ? { template: "email_change", to: email, userId, data: { code, secret }, expiresAt }
          : { template: "account_exists", to: email, userId: owner.id, data: { username: owner.username }, expiresAt },
    });
  };

  /** Writes the new address, and tells the old one, if it was proved, with a link to undo the change. */
  const replaceWithin = async (
    transaction: Db,
    { user, emailProof }: LockedUser,
    newEmail: string | null,
    source: Source,
  ): Promise<User> => {
    const { id: userId, email: oldEmail } = user;
    if (newEmail !== null) await accounts.releaseAddressWithin(transaction, newEmail, source, userId);
    const changed = await users.setEmail(userId, { email: newEmail, proof: "mail" }, transaction);
    if (!changed) throw new DomainError("INVALID_TOKEN");
    // Codes that the old address received must not open the account.
    await proofs.cancelWithin(transaction, userId, ["recovery", "email_change", "sign_in"]);
    if (oldEmail === newEmail) {
      await audit.record({ action: "user.verify_email", userId, source }, transaction);
      return changed;
    }
    await audit.record({ action: "user.change_email", userId, detail: { changed: ["email"] }, source }, transaction);
    let undoSecret: string | null = null;
    if (oldEmail !== null && emailProof !== null) {
      const undo = {
        purpose: "email_undo",
        asked: proofs.asked("email_undo", userId),
        userId,
        email: oldEmail,
      } as const;
      undoSecret = (await proofs.issueLinkWithin(transaction, undo, undoSeconds)).secret;
    }
    await notices.emailChanged(userId, { oldEmail, newEmail }, undoSecret, source, transaction);
    return changed;
  };

  /**
   * The first proof of an address that the account only claimed before: ends every access but the one by which the person
   * is signed in now, since somebody else may have set it up.
   */
  const endEarlierAccess = async (transaction: Db, userId: string, session: Session, source: Source) => {
    const identityId = await identities.identityOf(session.id, transaction);
    if (identityId !== null) await users.replacePasswordHash(userId, null, transaction);
    await identities.unlinkAllOf(userId, source, transaction, identityId);
    await grants.revokeAllOf(userId, source, transaction);
    return sessions.endWithin(transaction, userId, { except: session.id }, "revoked", source);
  };

  return {
    /**
     * Sends a code to the new address of a signed-in user. It may be the one that the account has, to prove it.
     * @throws DomainError `MAIL_OFF`, `TOO_MANY_ATTEMPTS`
     */
    async request({ user, email, ...asker }: { user: User; email: string } & Asker): Promise<{ proofId: string }> {
      proofRequests.assertMail();
      return request(user.id, email, asker);
    },

    /** Sends a new code for an earlier request. @throws DomainError `MAIL_OFF`, `TOO_MANY_ATTEMPTS` */
    requestAgain: ({ userId, email }: Proof, asker: Asker): Promise<{ proofId: string }> =>
      request(userId ?? "", email ?? "", asker),

    /**
     * Changes the address of a signed-in user to the one that was proved.
     * @throws DomainError `PROOF_REFUSED`; `EMAIL_TAKEN` when another account proved it meanwhile; `INVALID_TOKEN`
     */
    async complete(
      owner: { readonly user: User; readonly session: Session },
      { source, ...given }: { proofId: string; code: string } & Asker,
    ): Promise<User> {
      const userId = owner.user.id;
      const proof = await proofs.check(given, "email_change");
      if (proof.userId !== userId) throw new DomainError("PROOF_REFUSED", { reason: "other_browser", triesLeft: 0 });
      const { changed, ended } = await db.transaction().execute(async (transaction) => {
        const locked = await users.lockEnabledUser(userId, transaction);
        if (!locked) throw new DomainError("INVALID_TOKEN");
        await proofs.spendWithin(transaction, proof.id);
        const onlyClaimed = locked.user.email === proof.email && locked.emailProof === null;
        return {
          changed: await replaceWithin(transaction, locked, proof.email, source),
          ended: onlyClaimed ? await endEarlierAccess(transaction, userId, owner.session, source) : null,
        };
      });
      ended?.announce();
      return changed;
    },

    /** Removes the address of a signed-in user. @throws DomainError `INVALID_TOKEN` */
    remove: ({ id }: User, source: Source): Promise<User> =>
      db.transaction().execute(async (transaction) => {
        const locked = await users.lockEnabledUser(id, transaction);
        if (!locked) throw new DomainError("INVALID_TOKEN");
        return replaceWithin(transaction, locked, null, source);
      }),

    /**
     * Gives an account its old address back, which received the link. Whoever changed it has access: cancels a deletion
     * that they asked for, ends every session and grant, unlinks identities and removes factors that were added since, and removes the password. The owner sets another one by
     * recovery. Returns the address.
     * @throws DomainError `PROOF_REFUSED`; `EMAIL_TAKEN` when another account proved the address meanwhile
     */
    async undo(secret: string, source: Source): Promise<{ email: string }> {
      const { id, userId, email, createdAt } = await proofs.checkLink(secret, "email_undo");
      if (userId === null || email === null) throw expired();
      const ended = await db.transaction().execute(async (transaction) => {
        await users.lockUser(userId, transaction);
        // Whoever changed the address may have asked for the deletion too.
        await deletions.cancelOfOwnerWithin(transaction, userId, source);
        const locked = await users.lockEnabledUser(userId, transaction);
        if (!locked) throw expired();
        await proofs.spendWithin(transaction, id);
        await accounts.releaseAddressWithin(transaction, email, source, userId);
        await users.setEmail(userId, { email, proof: "mail" }, transaction);
        await users.replacePasswordHash(userId, null, transaction);
        await identities.unlinkSince(userId, createdAt, source, transaction);
        await factors.removeSince(userId, createdAt, source, transaction);
        await grants.revokeAllOf(userId, source, transaction);
        await proofs.cancelWithin(transaction, userId, ["recovery", "email_change", "sign_in"]);
        // Later changes are undone with this one. An earlier one can still be undone.
        await proofs.cancelWithin(transaction, userId, ["email_undo"], createdAt);
        await audit.record({ action: "user.undo_email_change", userId, source }, transaction);
        const emails = { oldEmail: locked.user.email, newEmail: email };
        await notices.emailChanged(userId, emails, null, source, transaction);
        return sessions.endWithin(transaction, userId, { except: null }, "revoked", source);
      });
      ended.announce();
      return { email };
    },
  };
};

const expired = () => new DomainError("PROOF_REFUSED", { reason: "expired", triesLeft: 0 });
