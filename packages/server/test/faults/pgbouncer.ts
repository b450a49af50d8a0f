// A PgBouncer in transaction mode in front of a PostgreSQL: each transaction may use another connection. From Debian's
// package `pgbouncer`; `PGBOUNCER_PATH` names another. Without one its tests are skipped; `REQUIRE_PGBOUNCER=1` makes
// that a failure.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseUrl } from "../../src/db/database.ts";

const path = process.env["PGBOUNCER_PATH"] ?? "/usr/sbin/pgbouncer";

export const hasPgBouncer = existsSync(path);
if (!hasPgBouncer && process.env["REQUIRE_PGBOUNCER"] === "1")
  throw new Error(`There is no PgBouncer at ${path}. Install it, or set PGBOUNCER_PATH.`);

/** In front of the server at `url`, with the given number of connections to it. */
export const startPgBouncer = async (url: DatabaseUrl, connections: number) => {
  const { hostname, port, username, password, pathname } = new URL(url);
  const directory = mkdtempSync(join(tmpdir(), "lockstep-pgbouncer-"));
  chmodSync(directory, 0o755);
  const listenPort = await freePort();
  const configuration = join(directory, "pgbouncer.ini");
  writeFileSync(
    configuration,
    `[databases]
* = host=${hostname} port=${port} user=${username} password=${password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${listenPort}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = ${connections}
`,
  );
  // It refuses to run as root.
  const asUser = process.getuid?.() === 0 ? ["-u", "nobody"] : [];
  const child = spawn(path, ["-q", ...asUser, configuration], { stdio: "ignore" });
  const exited = once(child, "exit");
  await listening(listenPort, child);
  return {
    url: `postgres://${username}:${password}@127.0.0.1:${listenPort}${pathname}` as DatabaseUrl,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
      rmSync(directory, { recursive: true });
    },
  };
};

const freePort = () =>
  new Promise<number>((resolve) => {
    const probe = createServer();
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });

const listening = async (port: number, child: ChildProcess): Promise<void> => {
  while (child.exitCode === null) {
    const socket = connect(port, "127.0.0.1");
    const answered = await once(socket, "connect").then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (answered) return;
  }
  throw new Error("PgBouncer did not start");
};
