// Owns recovery codes: ten at a time, each for one use, for people who have lost their other factors. Two letters of a
// code name it, and ten, 43 bits, are secret and stored like a password (OWASP ASVS 6.5.2).

import { proofCodeLetters, recoveryCodeLength } from "@lockstep/kit";
import type { Db } from "../../db/database.ts";
import type { Passwords } from "../accounts/passwords.ts";
import type { Users } from "../accounts/users.ts";
import type { Audit, Source } from "../kernel/audit.ts";
import { DomainError } from "../kernel/domain-error.ts";
import type { Now, Random } from "../kernel/environment.ts";
import type { Notices } from "../mail/notices.ts";
import type { CheckedFactor } from "./second-factors.ts";

const codesOfOneSet = 10;

const selectorLength = 2;

export type RecoveryCodes = ReturnType<typeof createRecoveryCodes>;

export const createRecoveryCodes = ({
  db,
  now,
  random,
  users,
  passwords,
  audit,
  notices,
}: {
  db: Db;
  now: Now;
  random: Random;
  users: Users;
  passwords: Passwords;
  audit: Audit;
  notices: Pick<Notices, "tell">;
}) => {
  const letters = BigInt(proofCodeLetters.length);

  const newCode = (): string => {
    // 160 bits for a number below 2^52: every code is as likely as any other.
    let number = BigInt(`0x${Buffer.from(random(20)).toString("hex")}`);
    return Array.from({ length: recoveryCodeLength }, () => {
      const letter = proofCodeLetters[Number(number % letters)] ?? "";
      number /= letters;
      return letter;
    }).join("");
  };

  const newSet = (): string[] => {
    const bySelector = new Map<string, string>();
    while (bySelector.size < codesOfOneSet) {
      const code = newCode();
      bySelector.set(code.slice(0, selectorLength), code);
    }
    return [...bySelector.values()];
  };

  const countWithin = async (transaction: Db, userId: string): Promise<number> => {
    const { count } = await transaction
      .selectFrom("recovery_codes")
      .select((eb) => eb.fn.countAll().as("count"))
      .where("user_id", "=", userId)
      .executeTakeFirstOrThrow();
    return Number(count);
  };

  return {
    /** How many codes are left. */
    count: (userId: string, transaction: Db = db): Promise<number> => countWithin(transaction, userId),

    /**
     * Makes a new set in place of the old one, and returns it. It can not be read again.
     * @throws DomainError `OVERLOADED`, `INVALID_TOKEN`
     */
    async renew(userId: string, source: Source): Promise<string[]> {
      const codes = newSet();
      const rows: { user_id: string; selector: string; code_hash: string }[] = [];
      // One after the other, so that one account never fills the hashing queue.
      for (const code of codes) {
        rows.push({
          user_id: userId,
          selector: code.slice(0, selectorLength),
          code_hash: await passwords.hash(code.slice(selectorLength)),
        });
      }
      await db.transaction().execute(async (transaction) => {
        if (!(await users.lockEnabledUser(userId, transaction))) throw new DomainError("INVALID_TOKEN");
        await transaction.deleteFrom("recovery_codes").where("user_id", "=", userId).execute();
        await transaction.insertInto("recovery_codes").values(rows).execute();
        await audit.record({ action: "factor.renew_recovery_codes", userId, source }, transaction);
        await notices.tell(userId, "recovery_codes_renewed", {}, source, transaction);
      });
      return codes.map((code) => (code.match(/.{4}/g) ?? []).join("-"));
    },

    /**
     * Checks a code. `null`: it is wrong, or has been used.
     * @throws DomainError `OVERLOADED`
     */
    async check(userId: string, code: string, source: Source): Promise<CheckedFactor | null> {
      const selector = code.slice(0, selectorLength);
      const row = await db
        .selectFrom("recovery_codes")
        .select("code_hash")
        .where("user_id", "=", userId)
        .where("selector", "=", selector)
        .executeTakeFirst();
      const { matches } = await passwords.verify(code.slice(selectorLength), row?.code_hash ?? null, [
        `account:user:${userId}`,
      ]);
      if (!row || !matches) return null;
      return {
        proved: { method: "recovery_code", at: now() },
        async spendWithin(transaction) {
          const spent = await transaction
            .deleteFrom("recovery_codes")
            .where("user_id", "=", userId)
            .where("selector", "=", selector)
            .where("code_hash", "=", row.code_hash)
            .returning("selector")
            .executeTakeFirst();
          if (!spent) return false;
          const left = await countWithin(transaction, userId);
          await notices.tell(userId, "recovery_code_used", { left }, source, transaction);
          return true;
        },
      };
    },

    /** Deletes the codes of an account that has no other factor. */
    async deleteAllWithin(transaction: Db, userId: string): Promise<void> {
      await transaction.deleteFrom("recovery_codes").where("user_id", "=", userId).execute();
    },
  };
};
