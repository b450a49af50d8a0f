// Owns the queue of passwords to hash, and whose turn it is. Hashing is slow on purpose; without a bound, a flood of
// sign-ins would take every core, and every call would wait behind it. What does not fit is refused at once, and no
// account or address takes more than its share of what does. How many run at once: `hashing-threads.ts`.

import PQueue from "p-queue";
import { DomainError } from "../kernel/domain-error.ts";

/** How many may wait for each that runs: at a quarter of a second each, the last waits four. */
const waitingPerThread = 16;

/** How many of one account, or of one address, may run and wait for each thread. */
const sharePerThread = 6;

/** By then, at the latest, all that waits now is done. */
const retryAfterSeconds = 4;

export type HashingQueue = ReturnType<typeof createHashingQueue>;

/** `threads`: how many may run now. It is asked whenever work arrives or ends. */
export const createHashingQueue = (threads: () => number) => {
  const queue = new PQueue({ concurrency: threads() });
  const adjustThreads = () => {
    queue.concurrency = threads();
  };
  /** What runs and waits, by whom it is for. */
  const taken = new Map<string, number>();
  const takenOf = (shares: readonly string[]) => Math.max(0, ...shares.map((share) => taken.get(share) ?? 0));

  const refuseWhenFull = (shares: readonly string[] = []) => {
    adjustThreads();
    const { concurrency } = queue;
    if (queue.size >= concurrency * waitingPerThread || takenOf(shares) >= concurrency * sharePerThread)
      throw new DomainError("OVERLOADED", { retryAfterSeconds });
  };

  const change = (shares: readonly string[], by: number) => {
    for (const share of shares) {
      const count = (taken.get(share) ?? 0) + by;
      if (count > 0) taken.set(share, count);
      else taken.delete(share);
    }
  };

  return {
    /** Refuses early what `run` would refuse. @throws DomainError `OVERLOADED` */
    refuseWhenFull,

    /**
     * Runs `hash` when it is its turn. `shares` names whom it is for, such as an account and an address: of each, the
     * first that waits goes before the second of any other, so that nobody waits behind many of somebody else's.
     * @throws DomainError `OVERLOADED` when too many wait already; `hash` is then not run.
     */
    run<T>(hash: () => Promise<T>, shares: readonly string[] = []): Promise<T> {
      refuseWhenFull(shares);
      const priority = -takenOf(shares);
      change(shares, 1);
      // Before the queue starts the next, not after.
      const end = () => {
        change(shares, -1);
        adjustThreads();
      };
      return queue.add(() => hash().finally(end), { priority });
    },
  };
};
