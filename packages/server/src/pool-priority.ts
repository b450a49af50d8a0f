// Owns the scheduling priority of libuv's thread pool, which hashes passwords. The event loop runs before it, so that
// calls are answered as fast while all cores hash. Linux only: elsewhere the threads keep their priority.

import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { constants, setPriority } from "node:os";

/** Where Linux lists the threads of this process. */
const tasks = "/proc/self/task";

/**
 * Lowers the priority of each thread of the pool. On Linux a nice value belongs to a thread, not to its process, and a
 * process may always lower its own.
 * @see https://man7.org/linux/man-pages/man2/setpriority.2.html
 * @returns The IDs of the threads. Empty where the system does not say which threads belong to the pool.
 */
export const lowerPoolPriority = async (): Promise<number[]> => {
  // Reading a directory runs on the pool, and libuv starts all of its threads at the first use.
  const threads = await readdir(tasks).catch(() => []);
  const lowered: number[] = [];
  for (const thread of threads) {
    try {
      if (readFileSync(`${tasks}/${thread}/comm`, "utf8").trim() !== "libuv-worker") continue;
      setPriority(Number(thread), constants.priority.PRIORITY_BELOW_NORMAL);
      lowered.push(Number(thread));
    } catch {
      // The thread has ended, or a sandbox forbids it: it runs as before.
    }
  }
  return lowered;
};
