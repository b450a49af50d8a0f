// Owns how long a call may wait for the database in all, over every statement and transaction that it runs. Dialects ask
// for what is left. Work outside of any call, such as clean-up, has the same limit for each statement or transaction.

import { AsyncLocalStorage } from "node:async_hooks";
import { DatabaseUnavailableError } from "./unavailable.ts";

/** Below the five seconds within which every call is answered. */
export const databaseLimitMs = 4000;

/** What a call has waited. Waits that overlap count once. */
interface Account {
  readonly limitMs: number;
  /** A stream, which lasts: each of its waits is limited, and not their sum. */
  lasts: boolean;
  spentMs: number;
  waiting: number;
  since: number;
}

const accounts = new AsyncLocalStorage<Account>();

/** Runs a call, which may wait for the database for `limitMs` in all. */
export const withDatabaseLimit = <T>(limitMs: number, call: () => T): T =>
  accounts.run({ limitMs, lasts: false, spentMs: 0, waiting: 0, since: 0 }, call);

/** Runs work that takes as long as it takes, such as a migration. */
export const withoutDatabaseLimit = <T>(work: () => T): T => withDatabaseLimit(Number.POSITIVE_INFINITY, work);

/** Runs work that many calls share. It has the limit of one statement, not what the call that began it has left. */
export const outsideOfCalls = <T>(work: () => T): T => accounts.exit(work);

/** The call is a stream: from now on, each statement or transaction has the limit by itself. */
export const limitEachWait = (): void => {
  const account = accounts.getStore();
  if (account) account.lasts = true;
};

export interface Wait {
  /** How long it may take, at the most. `Infinity`: as long as it takes. */
  readonly leftMs: number;
  end(): void;
}

/** Begins to wait for the database. `limitMs` is what one statement or transaction may take. */
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

/** A call that has waited less than this needs no timer for what it shares with others: that has one of its own. */
const negligibleMs = 250;

/** Waits for work that many calls share, as long as this call may still wait. */
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
