// Owns the PostgreSQL of the benchmarks: a real one, from npm.

import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

export interface Postgres {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts PostgreSQL with its data in `directory`, which is created if it is missing. */
export const startPostgres = async (directory: string): Promise<Postgres> => {
  const child = fork(join(import.meta.dirname, "postgres-process.ts"), {
    env: { ...process.env, DIRECTORY: directory },
  });
  const exited = once(child, "exit");
  const url = await Promise.race([
    once(child, "message").then(([message]) => message as string),
    exited.then(() => null),
  ]);
  if (url === null) throw new Error("PostgreSQL did not start");
  return {
    url,
    async stop() {
      child.disconnect();
      await exited;
    },
  };
};
