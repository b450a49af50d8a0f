// Owns the number of threads that may hash passwords now: all cores while the event loop is idle, one fewer while it is
// busy, so that calls are answered as fast during a flood of sign-ins. `hashing-queue.ts` uses it.

/** The resources of the machine for hashing. */
export interface HashingCapacity {
  readonly cores: number;
  /** Threads of libuv's pool, which also serve files, DNS and signatures. */
  readonly poolSize: number;
}

/**
 * The number of threads for an event loop that was busy for this share of the last moments, from 0 to 1. The loop runs
 * on one thread, so it never needs more than one core. One thread of the pool stays free for other work.
 */
export const hashingThreadsFor = (utilization: number, { cores, poolSize }: HashingCapacity): number =>
  Math.max(1, Math.min(Math.round(cores - utilization), poolSize - 1));

/** The share of each of several processes on the cores of a machine: together they hash on no more than there are. */
export const coresOfEach = (processes: number, cores: number): number => Math.max(1, Math.floor(cores / processes));

/** Milliseconds that the event loop has been idle and active since the process started. */
export interface EventLoopTimes {
  readonly idle: number;
  readonly active: number;
}

/** Shorter measurements are unreliable: one garbage collection would look like a busy loop. */
const measuredMs = 100;

/** Returns the number of threads, by how busy the event loop was since the previous call. */
export const createHashingThreads = (capacity: HashingCapacity, eventLoopTimes: () => EventLoopTimes) => {
  let seen = eventLoopTimes();
  let threads = hashingThreadsFor(0, capacity);
  return (): number => {
    const times = eventLoopTimes();
    const [idle, active] = [times.idle - seen.idle, times.active - seen.active];
    if (idle + active >= measuredMs) {
      seen = times;
      threads = hashingThreadsFor(active / (idle + active), capacity);
    }
    return threads;
  };
};
