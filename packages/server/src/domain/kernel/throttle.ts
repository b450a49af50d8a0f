// Owns the limit on guessing. Failures are counted per account, per address and for an account's known devices, in the
// database, so that all servers count together. After some free failures each one doubles the wait. The wait is
// bounded, so nobody can lock an account for good (OWASP ASVS 6.1.1, 6.3.1; NIST SP 800-63B-4 §3.2.2).

import type { Selectable } from "kysely";
import type { Db } from "../../db/database.ts";
import type { ThrottlesTable } from "../../db/schema.ts";
import { DomainError } from "./domain-error.ts";
import type { Now } from "./environment.ts";
import { network } from "./ip-addresses.ts";
import type { Secrets } from "./secrets.ts";

export interface Limit {
  /** Failures without a wait. */
  readonly free: number;
  /** The wait after the first failure that is not free; each further one doubles it. Default: 1. */
  readonly firstWaitSeconds?: number;
  readonly maxWaitSeconds: number;
}

/** With an hour between guesses, a hundred failures in a row take longer than four days. */
const perAccount: Limit = { free: 5, maxWaitSeconds: 60 * 60 };
/** Higher, since many people can share an address. */
const perAddress: Limit = { free: 30, maxWaitSeconds: 15 * 60 };

/** Older failures are forgotten. */
const forgetAfterMs = 24 * 60 * 60 * 1000;

/** Seconds to wait after this many failures: 1, 2, 4 … */
export const waitSeconds = (failures: number, { free, firstWaitSeconds = 1, maxWaitSeconds }: Limit): number =>
  failures < free ? 0 : Math.min(firstWaitSeconds * 2 ** (failures - free), maxWaitSeconds);

/**
 * Consecutive failures from an account's known devices that are counted apart. More of them count as failures of
 * strangers, so stolen device tokens add at most this many guesses.
 */
const maxDeviceFailures = 20;

export interface Attempt {
  /**
   * The account whose password is tried: its `accountKey`, so that an account has one counter whatever name is typed.
   */
  readonly account: string;
  readonly address: string | null;
  /** Whether this account signed in from the device before. Failures of known devices are counted apart. */
  readonly knownDevice: boolean;
}

/** An attempt that was counted as a failure. */
export interface CountedAttempt {
  /** The password was right: the account's counter starts again, and the address's attempt is refunded. */
  succeeded(transaction: Db): Promise<void>;
  /** The password was not checked: refunds the attempt. */
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
  /** The counter before; `undefined`: there was none. */
  readonly before: CounterRow | undefined;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** Another attempt changed the counter between the read and the write. */
class CountedMeanwhile extends Error {}

export const createThrottle = ({ db, now, secrets }: { db: Db; now: Now; secrets: Secrets }) => {
  const idOf = (name: string) => secrets.mac("throttle", name);

  const read = async (ids: readonly string[]): Promise<Map<string, CounterRow>> => {
    const rows = await db.selectFrom("throttles").selectAll().where("id", "in", ids).execute();
    return new Map(rows.map((row) => [row.id, row]));
  };

  const failuresAt = (row: CounterRow | undefined, at: number): number =>
    row === undefined || at - row.last_failed_at > forgetAfterMs ? 0 : row.failures;
  const failuresOf = (row: CounterRow | undefined): number => failuresAt(row, now());

  const leftSeconds = (row: CounterRow | undefined, limit: Limit): number => {
    if (row === undefined) return 0;
    const sinceMs = Math.max(0, now() - row.last_failed_at);
    return Math.max(0, Math.ceil(waitSeconds(failuresOf(row), limit) - sinceMs / 1000));
  };

  /** Counts one failure, unless the counter has changed since it was read. */
  const countOne = async ({ id, before: row, at }: CountedFailure, transaction: Db): Promise<boolean> => {
    const counted = { failures: failuresAt(row, at) + 1, last_failed_at: at };
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
   * Counts one failure in each counter that `choose` selects from `candidates`. When one of them has to wait, nothing
   * is written: a refused attempt costs one read, is not counted and does not prolong the wait. Concurrent attempts
   * never pass on the same count. Returns what was counted.
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
      // The same order everywhere prevents deadlocks.
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

  /**
   * Undoes the count, and the wait too, unless others have failed since. Others may have failed in the same millisecond:
   * the number of failures tells.
   */
  const refundFailure = async ({ id, before, at }: CountedFailure, transaction: Db): Promise<void> => {
    const since = before?.last_failed_at ?? at - forgetAfterMs;
    const counted = failuresAt(before, at) + 1;
    await transaction
      .updateTable("throttles")
      .set((row) => ({
        failures: row("failures", "-", 1),
        last_failed_at: row
          .case()
          .when(row.and([row("failures", "=", counted), row("last_failed_at", "=", at)]))
          .then(since)
          .else(row.ref("last_failed_at"))
          .end(),
      }))
      .where("id", "=", id)
      .where("failures", ">", 0)
      .execute();
  };

  const refund = (counted: readonly CountedFailure[]): Promise<void> =>
    db.transaction().execute(async (transaction) => {
      for (const each of counted) await refundFailure(each, transaction);
    });

  return {
    /**
     * Counts an attempt as a failure before its outcome is known, so that concurrent guesses are all counted.
     * @throws DomainError `TOO_MANY_ATTEMPTS`; the password must then not be checked
     */
    async countAttempt({ account, address, knownDevice }: Attempt): Promise<CountedAttempt> {
      const accountId = idOf(`account:${account}`);
      const devicesId = idOf(`devices:${account}`);
      const addressId = address === null ? null : idOf(`address:${network(address)}`);
      const strangers: Counter[] = [
        { id: accountId, limit: perAccount },
        ...(addressId === null ? [] : [{ id: addressId, limit: perAddress }]),
      ];
      // Strangers never make a known device wait, neither by attacking its account nor from its own network.
      const devices: Counter[] = [{ id: devicesId, limit: perAccount }];
      const candidates = [accountId, devicesId, ...(addressId === null ? [] : [addressId])];
      const counted = await count(candidates, (rows) =>
        knownDevice && failuresOf(rows.get(devicesId)) < maxDeviceFailures ? devices : strangers,
      );
      return {
        async succeeded(transaction) {
          const byDevice = counted.some(({ id }) => id === devicesId);
          const own = byDevice ? [devicesId] : [accountId, devicesId];
          const shared = new Map(counted.filter(({ id }) => !own.includes(id)).map((each) => [each.id, each]));
          // In the order that `count` locks them in.
          for (const id of [...own, ...shared.keys()].sort()) {
            const each = shared.get(id);
            if (each) await refundFailure(each, transaction);
            else await transaction.deleteFrom("throttles").where("id", "=", id).execute();
          }
        },
        refund: () => refund(counted),
      };
    },

    /**
     * Counts one guess of something other than a password, under each of these names, which must be unique to what is
     * guessed. Returns a function that refunds the guess if it was right.
     * @throws DomainError `TOO_MANY_ATTEMPTS`; nothing is counted then
     */
    async countGuess(
      counters: readonly { readonly name: string; readonly limit: Limit }[],
    ): Promise<() => Promise<void>> {
      const named = counters.map(({ name, limit }) => ({ id: idOf(name), limit }));
      const counted = await count(
        named.map(({ id }) => id),
        () => named,
      );
      return () => refund(counted);
    },

    /**
     * Locks a name until the transaction ends, for limits that are counted elsewhere: concurrent transactions that lock
     * the same name run one after the other.
     */
    async lock(name: string, transaction: Db): Promise<void> {
      const row = { failures: 0, last_failed_at: now() };
      await transaction
        .insertInto("throttles")
        .values({ id: idOf(`lock:${name}`), ...row })
        .onConflict((conflict) => conflict.column("id").doUpdateSet(row))
        .execute();
    },

    /** The IDs under which these names are counted and locked. */
    idsOf: (names: readonly string[]): string[] =>
      names.flatMap((name) => [...secrets.macs("throttle", name), ...secrets.macs("throttle", `lock:${name}`)]),

    /** Deletes up to `limit` counters that are forgotten, and returns how many. */
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
