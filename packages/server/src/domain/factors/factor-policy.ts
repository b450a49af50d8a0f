// Owns who needs a second factor: `SECOND_FACTOR`, and the users of whom an operator requires one. Whoever has one is
// always asked for it; the policy is about who has to have one.

import type { FactorKind } from "@lockstep/kit";
import type { Db } from "../../db/database.ts";
import type { LockedUser } from "../accounts/users.ts";
import type { Now } from "../kernel/environment.ts";
import type { Session } from "../sessions/sessions.ts";
import { includesRole } from "../tokens/roles.ts";
import { provedAt, provedFactors } from "./assurance.ts";

/** Who needs a second factor. */
export type SecondFactorPolicy = "optional" | "administrators" | "everyone";

export interface SecondFactorSettings {
  readonly policy: SecondFactorPolicy;
  /** How long a user who needs a factor can still sign in without one, from the first sign-in under the policy on. */
  readonly graceSeconds: number;
}

/** What the policy looks at. */
type Subject = Pick<LockedUser, "user" | "factorRequired" | "factorDueAt">;

export type FactorPolicy = ReturnType<typeof createFactorPolicy>;

export const createFactorPolicy = ({
  settings: { policy, graceSeconds },
  roles,
  now,
}: {
  settings: SecondFactorSettings;
  /** The contract's roles, the least powerful first. */
  roles: readonly string[];
  now: Now;
}) => {
  const covers = ({ user, factorRequired }: Subject): boolean =>
    factorRequired || policy === "everyone" || (policy === "administrators" && includesRole(roles, user.role, "admin"));

  return {
    /**
     * Whether a session has to end so that its user adds a factor. Sessions of users who have one go on: whether it was
     * asked for was decided when they began.
     */
    async endsSession(
      db: Db,
      subject: Subject,
      session: Pick<Session, "factors" | "authenticatedAt">,
    ): Promise<boolean> {
      if (!covers(subject) || provedAt(provedFactors(session), "2fa") !== null) return false;
      const factor = await db
        .selectFrom("factors")
        .select("id")
        .where("user_id", "=", subject.user.id)
        .limit(1)
        .executeTakeFirst();
      return factor === undefined && (await this.isDueWithin(db, subject));
    },

    /** Whether this user needs a second factor, now or when the grace period ends. */
    covers,

    /** Whether a user needs a factor now: an operator requires it, or the grace period is over. */
    isDue: (subject: Subject): boolean =>
      covers(subject) && (subject.factorRequired || now() >= (subject.factorDueAt ?? now() + graceSeconds * 1000)),

    /** Until when a user who needs a factor can sign in without one: epoch milliseconds. `null`: not begun, or no need. */
    dueAt: (subject: Subject): number | null =>
      covers(subject) && !subject.factorRequired ? subject.factorDueAt : null,

    /**
     * Whether a user without a factor has to add one to sign in. Begins the grace period at the first sign-in or refresh.
     */
    async isDueWithin(transaction: Db, subject: Subject): Promise<boolean> {
      if (!covers(subject)) return false;
      if (subject.factorRequired) return true;
      if (subject.factorDueAt !== null) return now() >= subject.factorDueAt;
      const dueAt = now() + graceSeconds * 1000;
      await transaction
        .updateTable("users")
        .set({ factor_due_at: dueAt })
        .where("id", "=", subject.user.id)
        .where("factor_due_at", "is", null)
        .execute();
      return now() >= dueAt;
    },
  };
};

/** The kinds that can be added. */
export const enrollableKinds = (passkeys: boolean): FactorKind[] => (passkeys ? ["totp", "passkey"] : ["totp"]);
