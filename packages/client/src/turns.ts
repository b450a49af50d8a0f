// Owns taking turns within a process: one task after the other, for each thing that they share.

/** Runs a task when no other one runs, and answers with what it answers. */
export type TakeTurn = <T>(task: () => Promise<T>) => Promise<T>;

/** A line of tasks; one that fails holds up nobody. */
export const createTurns = (): TakeTurn => {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const result = last.then(task);
    last = result.catch(() => {});
    return result;
  };
};

const lines = new WeakMap<object, TakeTurn>();

/** The line for `shared`: the same one for everybody who has that object. */
export const turnsOf = (shared: object): TakeTurn => {
  const existing = lines.get(shared);
  if (existing) return existing;
  const line = createTurns();
  lines.set(shared, line);
  return line;
};
