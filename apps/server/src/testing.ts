// Owns whole servers for tests, of this package and of those that talk to it: real, in this process, on a
// database of their own, with a clock that tests move.

import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Config } from "./config.ts";
import type { DatabaseUrl } from "./db/database.ts";
import { john, seedJohn } from "./development.ts";
import { createServer, type ServerOptions, type WorldOptions } from "./server.ts";

export { john };

/** A clock that stands still until it is moved. */
export const testClock = (start = Date.now()) => {
  let time = start;
  return {
    now: () => time,
    advanceSeconds(seconds: number) {
      time += seconds * 1000;
    },
  };
};

/** The world with its clock replaced, and no way out of it. */
export const testWorld = (now: () => number): WorldOptions => ({
  now,
  random: (sizeBytes) => new Uint8Array(randomBytes(sizeBytes)),
  fetch: async () => {
    throw new Error("Tests reach nothing outside");
  },
});

export const testConfig = (databaseUrl: DatabaseUrl): ServerOptions["config"] => ({
  production: false,
  port: 0,
  host: "127.0.0.1",
  publicUrl: "http://localhost:3000",
  databaseUrl,
  secret: "a secret of tests, of thirty-two characters and more",
  pepper: null,
  previousPeppers: [],
  // The least that bcrypt knows: tests that are about the cost say so.
  bcryptCost: 4,
  trustProxy: false,
  breachedPasswordsUrl: null,
  logLevel: "silent",
  webDevUrl: null,
});

export interface TestServerOptions {
  /** A new SQLite file unless given. */
  readonly databaseUrl?: DatabaseUrl;
  readonly config?: Partial<Config>;
  readonly now?: () => number;
  readonly logger?: ServerOptions["logger"];
}

/** A server with the user `john`, listening on a free port of this machine; `await using` closes it. */
export const startTestServer = async (options: TestServerOptions = {}) => {
  const directory = await mkdtemp(join(tmpdir(), "lockstep-"));
  const config = {
    ...testConfig(options.databaseUrl ?? `file:${join(directory, "test.db")}`),
    ...options.config,
  } as ServerOptions["config"];
  const server = await createServer({
    config,
    world: testWorld(options.now ?? Date.now),
    logger: options.logger ?? false,
  });
  await seedJohn(server.domain);
  const url = await server.app.listen({ port: config.port, host: config.host });
  const close = async () => {
    await server.close();
    await rm(directory, { recursive: true });
  };
  return { ...server, config, url, close, [Symbol.asyncDispose]: close };
};
