// Owns turns within a process: one task after the other for each object that they share.

/** Runs a task when no other one runs, and returns its result. */
export type TakeTurn = <T>(task: () => Promise<T>) => Promise<T>;

/** A queue of tasks. A task that fails does not stop the next. */
export const createTurns = (): TakeTurn => {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const result = last.then(task);
    last = result.catch(() => {});
    return result;
  };
};

const queues = new WeakMap<object, TakeTurn>();

/** The queue of `shared`: the same one for all users of that object. */
export const turnsOf = (shared: object): TakeTurn => {
  const existing = queues.get(shared);
  if (existing) return existing;
  const queue = createTurns();
  queues.set(shared, queue);
  return queue;
};
