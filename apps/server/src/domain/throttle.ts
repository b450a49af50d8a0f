// Owns the limit on guessing: failures are counted per account, per address and per known device, in the
// database, so that all servers count together. After some free ones each failure doubles the wait; the wait
// is bounded, so nobody can lock an account for good (OWASP ASVS 6.1.1, 6.3.1; NIST SP 800-63B-4 §3.2.2).

import { isIPv6 } from "node:net";
import type { Db } from "../db/database.ts";
import { DomainError } from "./domain-error.ts";
import type { Now } from "./environment.ts";
import type { Secrets } from "./secrets.ts";

interface Limit {
  /** Failures that cost nothing. */
  readonly free: number;
  readonly maxWaitSeconds: number;
}

/** With an hour between guesses, a hundred failures in a row take longer than four days. */
const perAccount: Limit = { free: 5, maxWaitSeconds: 60 * 60 };
/** More, for many people can share an address. */
const perAddress: Limit = { free: 30, maxWaitSeconds: 15 * 60 };

/** Failures this long ago no longer count. */
const forgetAfterMs = 24 * 60 * 60 * 1000;

/** Seconds to wait after this many failures: 1, 2, 4 … */
export const waitSeconds = (failures: number, { free, maxWaitSeconds }: Limit): number =>
  failures < free ? 0 : Math.min(2 ** (failures - free), maxWaitSeconds);

export interface Attempt {
  /** As it was typed; an account that does not exist is counted like one that does. */
  readonly login: string;
  readonly address: string | null;
  /** The device that this account signed in from before, if it is one. Its failures are counted apart from all others. */
  readonly knownDevice: string | null;
}

export type Throttle = ReturnType<typeof createThrottle>;

export const createThrottle = ({ db, now, secrets }: { db: Db; now: Now; secrets: Secrets }) => {
  const countersOf = ({ login, address, knownDevice }: Attempt) => {
    const account = login.trim().toLowerCase();
    // No stranger keeps a known device waiting, neither by attacking its account nor from its own network.
    if (knownDevice !== null) {
      return [{ id: secrets.mac("throttle", `device:${knownDevice}:${account}`), limit: perAccount }];
    }
    const counters = [{ id: secrets.mac("throttle", `account:${account}`), limit: perAccount }];
    if (address !== null)
      counters.push({ id: secrets.mac("throttle", `address:${network(address)}`), limit: perAddress });
    return counters;
  };

  /**
   * Counts one more failure, if the wait after the last one is over. It is one conditional write, so of attempts
   * that arrive at once no two pass on the same count. Answers the seconds left to wait, or 0.
   */
  const count = async (id: string, limit: Limit): Promise<number> => {
    for (;;) {
      const row = await db.selectFrom("throttles").selectAll().where("id", "=", id).executeTakeFirst();
      if (!row) {
        const made = await db
          .insertInto("throttles")
          .values({ id, failures: 1, last_failed_at: now() })
          .onConflict((conflict) => conflict.doNothing())
          .returning("id")
          .executeTakeFirst();
        if (made) return 0;
        continue;
      }
      const sinceMs = Math.max(0, now() - row.last_failed_at);
      const failures = sinceMs > forgetAfterMs ? 0 : row.failures;
      const leftSeconds = Math.ceil(waitSeconds(failures, limit) - sinceMs / 1000);
      if (leftSeconds > 0) return leftSeconds;
      const counted = await db
        .updateTable("throttles")
        .set({ failures: failures + 1, last_failed_at: now() })
        .where("id", "=", id)
        .where("failures", "=", row.failures)
        .where("last_failed_at", "=", row.last_failed_at)
        .returning("id")
        .executeTakeFirst();
      if (counted) return 0;
    }
  };

  const giveBack = (id: string) =>
    db
      .updateTable("throttles")
      .set((row) => ({ failures: row("failures", "-", 1) }))
      .where("id", "=", id)
      .where("failures", ">", 0)
      .execute();

  return {
    /**
     * Takes one attempt: counted as a failure before it is known to be one, so that guesses sent at once are
     * all counted. `succeeded` and `notMade` take it back.
     * @throws DomainError `TOO_MANY_ATTEMPTS`; the password is then not even looked at.
     */
    async take(attempt: Attempt): Promise<void> {
      const taken: string[] = [];
      for (const { id, limit } of countersOf(attempt)) {
        const retryAfterSeconds = await count(id, limit);
        if (retryAfterSeconds > 0) {
          for (const each of taken) await giveBack(each);
          throw new DomainError("TOO_MANY_ATTEMPTS", { retryAfterSeconds });
        }
        taken.push(id);
      }
    },

    /** The attempt was right: its account begins anew, and its address gets back what this attempt took. */
    async succeeded(attempt: Attempt): Promise<void> {
      const [account, address] = countersOf(attempt);
      if (account) await db.deleteFrom("throttles").where("id", "=", account.id).execute();
      if (address) await giveBack(address.id);
    },

    /** The attempt was not made after all: nobody looked at the password. */
    async notMade(attempt: Attempt): Promise<void> {
      for (const { id } of countersOf(attempt)) await giveBack(id);
    },

    /**
     * Takes one guess of something other than a password, counted under each of these names, which must be unique to
     * what is guessed. Answers how to give it back when it was right.
     * @throws DomainError `TOO_MANY_ATTEMPTS`; nothing is then counted.
     */
    async takeGuess(
      counters: readonly { readonly name: string; readonly limit: Limit }[],
    ): Promise<() => Promise<void>> {
      const taken: string[] = [];
      const refund = async () => {
        for (const id of taken) await giveBack(id);
      };
      for (const { name, limit } of counters) {
        const id = secrets.mac("throttle", name);
        const retryAfterSeconds = await count(id, limit);
        if (retryAfterSeconds > 0) {
          await refund();
          throw new DomainError("TOO_MANY_ATTEMPTS", { retryAfterSeconds });
        }
        taken.push(id);
      }
      return refund;
    },

    /** Deletes up to `limit` counters that no longer count, and answers how many. */
    async deleteForgotten(limit: number): Promise<number> {
      const { numDeletedRows } = await db
        .deleteFrom("throttles")
        .where("id", "in", (query) =>
          query
            .selectFrom("throttles")
            .select("id")
            .where("last_failed_at", "<", now() - forgetAfterMs)
            .limit(limit),
        )
        .executeTakeFirst();
      return Number(numDeletedRows);
    },
  };
};

/** One customer's network: an IPv4 address, or an IPv6 /64, of which anyone has 2^64 addresses to send from. */
export const network = (address: string): string => {
  const [plain = ""] = address.split("%");
  if (!isIPv6(plain)) return address;
  // The URL parser writes every form of an address in one way (RFC 5952): only `::` is left to be filled in.
  const [head = [], tail = []] = new URL(`http://[${plain}]`).hostname
    .slice(1, -1)
    .split("::")
    .map((part) => part.split(":").filter(Boolean));
  const groups = [...head, ...Array<string>(8 - head.length - tail.length).fill("0"), ...tail];
  // RFC 4291 §2.5.5.2: an IPv4 address, as a socket for both kinds shows it.
  if (groups.slice(0, 6).join(":") === "0:0:0:0:0:ffff") {
    return groups
      .slice(6)
      .map((group) => Number.parseInt(group, 16))
      .flatMap((pair) => [pair >> 8, pair & 255])
      .join(".");
  }
  return `${groups.slice(0, 4).join(":")}::/64`;
};
