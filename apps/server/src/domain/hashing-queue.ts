// Owns how many passwords are hashed at once. Hashing is slow on purpose; without a bound, a flood of sign-ins
// would take every core, and every call would wait behind it. What does not fit is refused at once.

import PQueue from "p-queue";
import { DomainError } from "./domain-error.ts";

/** How many may wait for each that runs: at a quarter of a second each, the last waits four. */
const waitingPerThread = 16;

/** By then, at the latest, all that waits now is done. */
const retryAfterSeconds = 4;

export type HashingQueue = ReturnType<typeof createHashingQueue>;

export const createHashingQueue = (threads: number) => {
  const queue = new PQueue({ concurrency: threads });
  const refuseWhenFull = () => {
    if (queue.size >= threads * waitingPerThread) throw new DomainError("OVERLOADED", { retryAfterSeconds });
  };
  return {
    /** Refuses early what `run` would refuse. @throws DomainError `OVERLOADED` */
    refuseWhenFull,

    /**
     * Runs `hash` when it is its turn.
     * @throws DomainError `OVERLOADED` when too many wait already; `hash` is then not run.
     */
    run<T>(hash: () => Promise<T>): Promise<T> {
      refuseWhenFull();
      return queue.add(hash);
    },
  };
};
