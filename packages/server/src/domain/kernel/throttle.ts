// Owns the limit on guessing: failures are counted per account, per address and for an account's known devices, in the
// database, so that all servers count together. After some free ones each failure doubles the wait; the wait
// is bounded, so nobody can lock an account for good (OWASP ASVS 6.1.1, 6.3.1; NIST SP 800-63B-4 §3.2.2).

import type { Selectable } from "kysely";
import type { Db } from "../../db/database.ts";
import type { ThrottlesTable } from "../../db/schema.ts";
import { DomainError } from "./domain-error.ts";
import type { Now } from "./environment.ts";
import { network } from "./ip-addresses.ts";
import type { Secrets } from "./secrets.ts";

export interface Limit {
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

/**
 * Failures from all known devices of an account, in a row, after which they count like a stranger's: tokens of devices
 * that were stolen never add more than these to what strangers may try.
 */
const maxDeviceFailures = 20;

export interface Attempt {
  /** Whose password is tried: `accountKey` of it, so that an account has one count whatever name it is tried by. */
  readonly account: string;
  readonly address: string | null;
  /** Whether it comes from a device that this account signed in from before. Such failures are counted apart. */
  readonly knownDevice: boolean;
}

/** An attempt that was counted as a failure. */
export interface Taken {
  /** It was right: the account's count begins anew, and the address gets back what this attempt took. */
  succeeded(): Promise<void>;
  /** It was not made after all: nobody looked at the password. */
  refund(): Promise<void>;
}

export type Throttle = ReturnType<typeof createThrottle>;

interface Counter {
  readonly id: string;
  readonly limit: Limit;
}

type CounterRow = Selectable<ThrottlesTable>;

interface CountedFailure {
  readonly id: string;
  /** The counter as it was; `undefined`: there was none. */
  readonly before: CounterRow | undefined;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** Another attempt was counted between the read and the write. */
class CountedMeanwhile extends Error {}

export const createThrottle = ({ db, now, secrets }: { db: Db; now: Now; secrets: Secrets }) => {
  const idOf = (name: string) => secrets.mac("throttle", name);

  const read = async (ids: readonly string[]): Promise<Map<string, CounterRow>> => {
    const rows = await db.selectFrom("throttles").selectAll().where("id", "in", ids).execute();
    return new Map(rows.map((row) => [row.id, row]));
  };

  const failuresOf = (row: CounterRow | undefined): number =>
    row === undefined || now() - row.last_failed_at > forgetAfterMs ? 0 : row.failures;

  const leftSeconds = (row: CounterRow | undefined, limit: Limit): number => {
    if (row === undefined) return 0;
    const sinceMs = Math.max(0, now() - row.last_failed_at);
    return Math.max(0, Math.ceil(waitSeconds(failuresOf(row), limit) - sinceMs / 1000));
  };

  /** One more failure, unless the counter is another than it was read as. */
  const countOne = async ({ id, before: row, at }: CountedFailure, transaction: Db): Promise<boolean> => {
    const counted = { failures: failuresOf(row) + 1, last_failed_at: at };
    const written = row
      ? await transaction
          .updateTable("throttles")
          .set(counted)
          .where("id", "=", id)
          .where("failures", "=", row.failures)
          .where("last_failed_at", "=", row.last_failed_at)
          .returning("id")
          .executeTakeFirst()
      : await transaction
          .insertInto("throttles")
          .values({ id, ...counted })
          .onConflict((conflict) => conflict.doNothing())
          .returning("id")
          .executeTakeFirst();
    return written !== undefined;
  };

  /**
   * Counts one failure in each counter that `choose` names, given what all of `candidates` are. When one of them has to
   * wait, nothing is written: a refused attempt costs a read, counts nowhere and prolongs no wait. Of attempts that
   * arrive at once, no two pass on the same count. Answers what was counted.
   * @throws DomainError `TOO_MANY_ATTEMPTS`
   */
  const count = async (
    candidates: readonly string[],
    choose: (rows: ReadonlyMap<string, CounterRow>) => readonly Counter[],
  ): Promise<CountedFailure[]> => {
    for (;;) {
      const rows = await read(candidates);
      const counters = choose(rows);
      const retryAfterSeconds = Math.max(0, ...counters.map(({ id, limit }) => leftSeconds(rows.get(id), limit)));
      if (retryAfterSeconds > 0) throw new DomainError("TOO_MANY_ATTEMPTS", { retryAfterSeconds });
      // In one order everywhere, so that no two transactions wait for each other.
      const at = now();
      const counted = counters
        .map(({ id }) => ({ id, before: rows.get(id), at }))
        .sort((one, other) => (one.id < other.id ? -1 : 1));
      try {
        await db.transaction().execute(async (transaction) => {
          for (const each of counted) if (!(await countOne(each, transaction))) throw new CountedMeanwhile();
        });
        return counted;
      } catch (error) {
        if (!(error instanceof CountedMeanwhile)) throw error;
      }
    }
  };

  /** As if it had not been counted: the wait, too, is what it was, unless others have failed since. */
  const giveBack = async (counted: readonly CountedFailure[]): Promise<void> => {
    for (const { id, before, at } of counted) {
      const since = before?.last_failed_at ?? at - forgetAfterMs;
      await db
        .updateTable("throttles")
        .set((row) => ({
          failures: row("failures", "-", 1),
          last_failed_at: row.case().when("last_failed_at", "=", at).then(since).else(row.ref("last_failed_at")).end(),
        }))
        .where("id", "=", id)
        .where("failures", ">", 0)
        .execute();
    }
  };

  return {
    /**
     * Takes one attempt: counted as a failure before it is known to be one, so that guesses sent at once are all counted.
     * @throws DomainError `TOO_MANY_ATTEMPTS`; the password is then not even looked at.
     */
    async take({ account, address, knownDevice }: Attempt): Promise<Taken> {
      const accountId = idOf(`account:${account}`);
      const devicesId = idOf(`devices:${account}`);
      const addressId = address === null ? null : idOf(`address:${network(address)}`);
      const strangers: Counter[] = [
        { id: accountId, limit: perAccount },
        ...(addressId === null ? [] : [{ id: addressId, limit: perAddress }]),
      ];
      // No stranger keeps a known device waiting, neither by attacking its account nor from its own network.
      const devices: Counter[] = [{ id: devicesId, limit: perAccount }];
      const candidates = [accountId, devicesId, ...(addressId === null ? [] : [addressId])];
      const taken = await count(candidates, (rows) =>
        knownDevice && failuresOf(rows.get(devicesId)) < maxDeviceFailures ? devices : strangers,
      );
      return {
        async succeeded() {
          const byDevice = taken.some(({ id }) => id === devicesId);
          const own = byDevice ? [devicesId] : [accountId, devicesId];
          await db.deleteFrom("throttles").where("id", "in", own).execute();
          await giveBack(taken.filter(({ id }) => !own.includes(id)));
        },
        refund: () => giveBack(taken),
      };
    },

    /**
     * Takes one guess of something other than a password, counted under each of these names, which must be unique to
     * what is guessed. Answers how to give it back when it was right.
     * @throws DomainError `TOO_MANY_ATTEMPTS`; nothing is then counted.
     */
    async takeGuess(
      counters: readonly { readonly name: string; readonly limit: Limit }[],
    ): Promise<() => Promise<void>> {
      const named = counters.map(({ name, limit }) => ({ id: idOf(name), limit }));
      const taken = await count(
        named.map(({ id }) => id),
        () => named,
      );
      return () => giveBack(taken);
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
