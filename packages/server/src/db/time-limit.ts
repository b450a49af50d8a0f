// Owns how long a call may wait for the database in total, over all its statements and transactions. Dialects ask for
// the remaining time. Work outside of calls, such as clean-up, has this limit for each statement or transaction.

import { AsyncLocalStorage } from "node:async_hooks";
import { DatabaseUnavailableError } from "./unavailable.ts";

/** Below the five seconds within which every call is answered. */
export const databaseLimitMs = 4000;

/** The time that a call has waited. Overlapping waits count once. */
interface Account {
  readonly limitMs: number;
  /** A stream has no end: each of its waits is limited, not their sum. */
  lasts: boolean;
  spentMs: number;
  waiting: number;
  since: number;
}

const accounts = new AsyncLocalStorage<Account>();

/** Runs a call, which may wait for the database for `limitMs` in total. */
export const withDatabaseLimit = <T>(limitMs: number, call: () => T): T =>
  accounts.run({ limitMs, lasts: false, spentMs: 0, waiting: 0, since: 0 }, call);

/** Runs work without a limit, such as a migration. */
export const withoutDatabaseLimit = <T>(work: () => T): T => withDatabaseLimit(Number.POSITIVE_INFINITY, work);

/**
 * Runs work that many calls share. It has the limit of one statement, not the remaining time of the call that started
 * it.
 */
export const outsideOfCalls = <T>(work: () => T): T => accounts.exit(work);

/** Marks the call as a stream: each statement or transaction has the limit from now on. */
export const limitEachWait = (): void => {
  const account = accounts.getStore();
  if (account) account.lasts = true;
};

export interface Wait {
  /** The remaining time. `Infinity`: no limit. */
  readonly leftMs: number;
  end(): void;
}

/** Starts a wait for the database. `limitMs` is the limit of one statement or transaction. */
export const beginWait = (limitMs: number): Wait => {
  const account = accounts.getStore();
  if (!account || account.lasts) return { leftMs: limitMs, end() {} };
  const now = performance.now();
  const leftMs = account.limitMs - account.spentMs - (account.waiting > 0 ? now - account.since : 0);
  if (account.waiting++ === 0) account.since = now;
  return {
    leftMs: account.limitMs === Number.POSITIVE_INFINITY ? leftMs : Math.min(limitMs, leftMs),
    end() {
      if (--account.waiting === 0) account.spentMs += performance.now() - account.since;
    },
  };
};

/** Calls with more remaining time than this need no timer for shared work, which has a timer of its own. */
const negligibleMs = 250;

/** Waits for work that many calls share, within the remaining time of this call. */
export const waitWithinCall = async <T>(work: Promise<T>): Promise<T> => {
  const { limitMs } = accounts.getStore() ?? { limitMs: Number.POSITIVE_INFINITY };
  const { leftMs, end } = beginWait(limitMs);
  let timer: NodeJS.Timeout | undefined;
  try {
    if (leftMs >= limitMs - negligibleMs) return await work;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new DatabaseUnavailableError("The database did not answer in time")), leftMs);
    });
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    end();
  }
};
