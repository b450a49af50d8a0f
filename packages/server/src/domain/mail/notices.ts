// Owns telling people about changes of their credentials and about sign-ins from new devices (OWASP ASVS 6.3.5, 6.3.7).
// A notice is written in the transaction of what it tells about, and goes to the address of an existing account.

import type { User } from "@lockstep/kit";
import type { Db } from "../../db/database.ts";
import type { Users } from "../accounts/users.ts";
import { background, commandLine, type Source } from "../kernel/audit.ts";
import type { Now } from "../kernel/environment.ts";
import { network } from "../kernel/ip-addresses.ts";
import type { SpentIds } from "../kernel/spent-ids.ts";
import { type AccountEvent, isMailAddress, type Mail, type Mails, type MailTemplate } from "./mails.ts";
import type { Messages } from "./messages.ts";

/** The mails that tell about an event of an account. */
export type Notice = { [T in MailTemplate]: Mails[T] extends AccountEvent ? T : never }[MailTemplate];
/** What each notice says besides the event. A table: declarations name it, where they would write out a generic `Omit`. */
export type NoticeDetails = { readonly [N in Notice]: Omit<Mails[N], keyof AccountEvent> };

/** A sign-in without a device token, from the same network and program, is told once in this time. */
const sameDeviceSeconds = 24 * 60 * 60;

export type Notices = ReturnType<typeof createNotices>;

export const createNotices = ({
  messages,
  users,
  spentIds,
  now,
}: {
  messages: Messages;
  users: Pick<Users, "find">;
  spentIds: Pick<SpentIds, "spend">;
  now: Now;
}) => {
  /**
   * `addresses`: to whom, in place of the account's own address. `deletedWith`: the account that the mails are deleted
   * with.
   */
  const tell = async <N extends Notice>(
    userId: string,
    notice: N,
    details: NoticeDetails[N],
    source: Source,
    transaction: Db,
    addresses?: readonly (string | null)[],
    deletedWith: string | null = userId,
  ): Promise<void> => {
    if (!messages.on) return;
    const user = await users.find(userId, transaction);
    if (!user) return;
    const isOwn = source === commandLine || source === background;
    const { address, userAgent } = isOwn ? { address: null, userAgent: null } : source;
    const event: AccountEvent = { username: user.username, at: now(), address, userAgent };
    for (const to of new Set(addresses ?? [user.email])) {
      // An imported account may have an address that no mail can be sent to.
      if (to === null || !isMailAddress(to)) continue;
      const mail = { template: notice, to, userId: deletedWith, data: { ...event, ...details } };
      await messages.send(mail as unknown as Mail, transaction); // `NoticeDetails` leaves only the event's properties out
    }
  };

  return {
    /** Whether a mail reaches the owner: there is mail, and the address is verified. */
    reaches: ({ email, emailVerified }: Pick<User, "email" | "emailVerified">): boolean =>
      messages.on && emailVerified && email !== null && isMailAddress(email),

    /** Tells the account's owner. An account without an address is told nothing. */
    tell: <N extends Notice>(userId: string, notice: N, details: NoticeDetails[N], source: Source, transaction: Db) =>
      tell(userId, notice, details, source, transaction),

    /**
     * Tells the new address, and the old one with a link to undo the change.
     * @param undoSecret of that link. `null`: the old address is told nothing, as it may be another person's
     */
    async emailChanged(
      userId: string,
      emails: Omit<NoticeDetails["email_changed"], "undoSecret">,
      undoSecret: string | null,
      source: Source,
      transaction: Db,
    ): Promise<void> {
      const { oldEmail, newEmail } = emails;
      if (undoSecret !== null)
        await tell(userId, "email_changed", { ...emails, undoSecret }, source, transaction, [oldEmail]);
      await tell(userId, "email_changed", { ...emails, undoSecret: null }, source, transaction, [newEmail]);
    },

    /**
     * Tells the owner that the account is to be deleted: its address, and earlier ones that can still undo a change.
     * @param proved the addresses that get the link to cancel it. The account's own gets a mail in any case
     */
    async deletionRequested(
      userId: string,
      details: NoticeDetails["deletion_requested"],
      proved: readonly string[],
      source: Source,
      transaction: Db,
    ): Promise<void> {
      const user = await users.find(userId, transaction);
      await tell(userId, "deletion_requested", details, source, transaction, proved);
      if (user?.email && !proved.includes(user.email))
        await tell(userId, "deletion_requested", { ...details, cancelSecret: null }, source, transaction);
    },

    /** Tells the addresses of an account that its deletion is complete, in the transaction that deletes the user. */
    async accountDeleted(userId: string, addresses: readonly (string | null)[], transaction: Db): Promise<void> {
      await tell(userId, "account_deleted", {}, background, transaction, addresses, null);
    },

    /**
     * Tells the account's owner about a sign-in from a device that did not show a device token. Programs that keep no
     * device token would cause a mail for each sign-in; they are told once a day.
     */
    async newDevice(userId: string, source: Source, transaction: Db): Promise<void> {
      if (!messages.on) return;
      const device = JSON.stringify([userId, network(source.address ?? ""), source.userAgent]);
      if (await spentIds.spend("new-device", device, sameDeviceSeconds, transaction))
        await tell(userId, "new_device", {}, source, transaction);
    },
  };
};
