// Owns the queue of passwords to hash. Hashing is slow on purpose: without a bound, a flood of sign-ins would take
// every core and delay every other call. What does not fit is refused at once, and no account or address takes more
// than its share. How many run at once: `hashing-threads.ts`.

import PQueue from "p-queue";
import { DomainError } from "../kernel/domain-error.ts";

/** How many may wait for each running thread: at 0.25 s a hash, the last one waits 4 s. */
const waitingPerThread = 16;

/** How many of one account, or of one address, may run and wait for each thread. */
const sharePerThread = 6;

/** After this time, all work that is waiting now is done. */
const retryAfterSeconds = 4;

export type HashingQueue = ReturnType<typeof createHashingQueue>;

/** `threads`: how many may run now. Called whenever work arrives or ends. */
export const createHashingQueue = (threads: () => number) => {
  const queue = new PQueue({ concurrency: threads() });
  const adjustThreads = () => {
    queue.concurrency = threads();
  };
  /** Running and waiting work, counted by share. */
  const inUse = new Map<string, number>();
  const inUseBy = (shares: readonly string[]) => Math.max(0, ...shares.map((share) => inUse.get(share) ?? 0));

  const refuseWhenFull = (shares: readonly string[] = []) => {
    adjustThreads();
    const { concurrency } = queue;
    if (queue.size >= concurrency * waitingPerThread || inUseBy(shares) >= concurrency * sharePerThread)
      throw new DomainError("OVERLOADED", { retryAfterSeconds });
  };

  const change = (shares: readonly string[], by: number) => {
    for (const share of shares) {
      const count = (inUse.get(share) ?? 0) + by;
      if (count > 0) inUse.set(share, count);
      else inUse.delete(share);
    }
  };

  return {
    /** Passwords that are hashed now, and that wait. */
    counts: () => ({ running: queue.pending, waiting: queue.size }),

    /** Refuses early what `run` would refuse. @throws DomainError `OVERLOADED` */
    refuseWhenFull,

    /**
     * Runs `hash` when its turn comes. `shares` names the account and the address that it is for. Shares take turns:
     * the first of one runs before the second of another, so nobody waits behind a long queue of another account or
     * address.
     * @throws DomainError `OVERLOADED` when too many wait already; `hash` does not run then
     */
    run<T>(hash: () => Promise<T>, shares: readonly string[] = []): Promise<T> {
      refuseWhenFull(shares);
      const priority = -inUseBy(shares);
      change(shares, 1);
      // Must happen before the queue starts the next one.
      const end = () => {
        change(shares, -1);
        adjustThreads();
      };
      return queue.add(() => hash().finally(end), { priority });
    },
  };
};
