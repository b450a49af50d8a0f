// Starts a real PostgreSQL for one run of the tests.

import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { TestProject } from "vitest/node";

export default async (project: TestProject) => {
  const child = fork(join(import.meta.dirname, "postgres-process.ts"));
  const exited = once(child, "exit");
  const url = await Promise.race([
    once(child, "message").then(([message]) => message as string),
    exited.then(() => null),
  ]);
  if (url === null) throw new Error("PostgreSQL did not start");
  project.provide("postgresUrl", url);
  return async () => {
    child.disconnect();
    await exited;
  };
};
