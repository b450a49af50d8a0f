// Owns who may have a new account: the settings `SIGN_UP` and `SIGN_UP_DOMAINS`, and invitations. They apply to sign-up
// by mail and to the first sign-in with an identity provider. Operators create accounts regardless.

import type { SignUpPolicy } from "@lockstep/kit";
import type { Db } from "../../db/database.ts";
import type { Audit, Source } from "../kernel/audit.ts";
import { DomainError } from "../kernel/domain-error.ts";
import type { Now } from "../kernel/environment.ts";
import type { Messages } from "../mail/messages.ts";

export interface SignUpSettings {
  readonly policy: SignUpPolicy;
  /** The domains of addresses that may sign up. `null`: all. */
  readonly domains: readonly string[] | null;
}

export const invitationLifetimeDays = 7;

const roleWithoutInvitation = "user";

export type SignUpRules = ReturnType<typeof createSignUpRules>;

export const createSignUpRules = ({
  db,
  now,
  settings: { policy, domains },
  messages,
  audit,
}: {
  db: Db;
  now: Now;
  settings: SignUpSettings;
  messages: Messages;
  audit: Audit;
}) => ({
  policy,

  /** Why nobody with this address may sign up; `null`: invited people may, or everybody. It tells nothing about accounts. */
  refusalOf(email: string): DomainError<"SIGN_UP_REFUSED"> | null {
    if (policy === "off") return refused("off", "Nobody can sign up here.");
    const domain = email.slice(email.lastIndexOf("@") + 1);
    if (domains !== null && !domains.includes(domain))
      return refused("domain", `Only addresses of these domains can sign up: ${domains.join(", ")}.`);
    return null;
  },

  /** Whether the address may sign up as far as invitations are concerned. */
  async isInvited(email: string): Promise<boolean> {
    if (policy !== "invited") return true;
    const row = await db
      .selectFrom("invitations")
      .select("email")
      .where("email", "=", email)
      .where("expires_at", ">", now())
      .executeTakeFirst();
    return row !== undefined;
  },

  /**
   * Uses up the invitation of an address, in the transaction that creates its account, and returns the account's role.
   * @throws DomainError `SIGN_UP_REFUSED`
   */
  async roleWithin(transaction: Db, email: string | null): Promise<string> {
    const invitation =
      email === null
        ? undefined
        : await transaction
            .deleteFrom("invitations")
            .where("email", "=", email)
            .where("expires_at", ">", now())
            .returning("role")
            .executeTakeFirst();
    if (invitation) return invitation.role;
    if (policy === "invited") throw refused("not_invited", "Ask somebody who runs this service for an invitation.");
    return roleWithoutInvitation;
  },

  /** Invites an address, by mail. A later invitation replaces an earlier one. */
  async invite(email: string, role: string, source: Source): Promise<void> {
    const expiresAt = now() + invitationLifetimeDays * 24 * 60 * 60 * 1000;
    const invited = { role, created_at: now(), expires_at: expiresAt };
    await db.transaction().execute(async (transaction) => {
      await transaction
        .insertInto("invitations")
        .values({ email, ...invited })
        .onConflict((conflict) => conflict.column("email").doUpdateSet(invited))
        .execute();
      await audit.record({ action: "user.invite", userId: null, detail: { role }, source }, transaction);
      await messages.send(
        { template: "invitation", to: email, userId: null, data: { expiresAt }, expiresAt },
        transaction,
      );
    });
  },

  /** Deletes up to `limit` invitations that have expired, and returns how many. */
  async deleteExpired(limit: number): Promise<number> {
    const { numDeletedRows } = await db
      .deleteFrom("invitations")
      .where("email", "in", (query) =>
        query.selectFrom("invitations").select("email").where("expires_at", "<=", now()).limit(limit),
      )
      .executeTakeFirst();
    return Number(numDeletedRows);
  },
});

const refused = (reason: "off" | "domain" | "not_invited", explanation: string) =>
  new DomainError("SIGN_UP_REFUSED", { reason, explanation });
