// Owns how many passwords are hashed at once, and whose. Hashing is slow on purpose; without a bound, a flood of sign-ins
// would take every core, and every call would wait behind it. What does not fit is refused at once, and no account or
// address takes more than its share of what does.

import PQueue from "p-queue";
import { DomainError } from "./domain-error.ts";

/** How many may wait for each that runs: at a quarter of a second each, the last waits four. */
const waitingPerThread = 16;

/** How many of one account, or of one address, may run and wait for each thread. */
const sharePerThread = 6;

/** By then, at the latest, all that waits now is done. */
const retryAfterSeconds = 4;

export type HashingQueue = ReturnType<typeof createHashingQueue>;

export const createHashingQueue = (threads: number) => {
  const queue = new PQueue({ concurrency: threads });
  /** What runs and waits, by whom it is for. */
  const taken = new Map<string, number>();
  const takenOf = (shares: readonly string[]) => Math.max(0, ...shares.map((share) => taken.get(share) ?? 0));

  const refuseWhenFull = (shares: readonly string[] = []) => {
    if (queue.size >= threads * waitingPerThread || takenOf(shares) >= threads * sharePerThread)
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
      return queue.add(hash, { priority }).finally(() => change(shares, -1));
    },
  };
};
