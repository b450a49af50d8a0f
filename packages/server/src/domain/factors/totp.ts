// Owns codes of authenticator apps (RFC 6238): six digits, thirty seconds, SHA-1, which every app can do. The clock of a
// phone may be one step off. Each code works once: a later use needs a later step (RFC 6238 §5.2).

import { Secret, TOTP } from "otpauth";
import type { Db } from "../../db/database.ts";
import type { Now, Random } from "../kernel/environment.ts";
import type { Secrets } from "../kernel/secrets.ts";
import type { CheckedFactor } from "./second-factors.ts";

const parameters = { algorithm: "SHA1", digits: 6, period: 30 } as const;

/** Steps before and after the present one whose codes are accepted. */
const window = 1;

/** RFC 4226 §4: at least 128 bits, better 160. */
const secretBytes = 20;

export type Totp = ReturnType<typeof createTotp>;

export const createTotp = ({
  db,
  now,
  random,
  secrets,
  issuer,
}: {
  db: Db;
  now: Now;
  random: Random;
  secrets: Secrets;
  /** The name of this service, as apps show it. */
  issuer: string;
}) => {
  /** The step of a right code; `null`: it is wrong. */
  const stepOf = (secret: string, code: string): number | null => {
    const timestamp = now();
    const delta = TOTP.validate({ ...parameters, token: code, secret: Secret.fromBase32(secret), timestamp, window });
    return delta === null ? null : Math.floor(timestamp / 1000 / parameters.period) + delta;
  };

  return {
    stepOf,

    /** A new secret: base32. */
    newSecret: (): string => new Secret({ buffer: random(secretBytes).buffer }).base32,

    /** The secret as apps take it in: `otpauth://totp/…`. */
    uriOf: (secret: string, account: string): string =>
      new TOTP({ ...parameters, issuer, label: account, secret: Secret.fromBase32(secret) }).toString(),

    /** The form in which a secret is stored. */
    materialOf: (secret: string): Promise<string> => secrets.encrypt("totp-secrets", secret),

    /** Checks a code of one of the user's apps. `null`: it is wrong, or has been used. */
    async check(userId: string, code: string): Promise<CheckedFactor | null> {
      const rows = await db
        .selectFrom("factors")
        .select(["id", "material", "counter"])
        .where("user_id", "=", userId)
        .where("kind", "=", "totp")
        .execute();
      for (const { id, material, counter } of rows) {
        const secret = await secrets.decrypt("totp-secrets", material);
        const step = secret && stepOf(secret.plaintext, code);
        if (!step || step <= counter) continue;
        const renewed = secret.current ? material : await secrets.encrypt("totp-secrets", secret.plaintext);
        return {
          proved: { method: "totp", at: now(), factorId: id },
          async spendWithin(transaction) {
            const spent = await transaction
              .updateTable("factors")
              .set({ counter: step, last_used_at: now(), material: renewed })
              .where("id", "=", id)
              // Of concurrent uses, one is later than what is stored.
              .where("counter", "<", step)
              .returning("id")
              .executeTakeFirst();
            return spent !== undefined;
          },
        };
      }
      return null;
    },
  };
};
