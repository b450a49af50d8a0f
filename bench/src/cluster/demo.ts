// `npm run demo:cluster`: three servers on one PostgreSQL, behind a load balancer, with users. One server is killed and
// started again, then all are replaced by a version with a newer schema. Exits with 1 if a call or a note was lost.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { secret } from "../database.ts";
import { startPostgres } from "../postgres.ts";
import { type Running, start } from "../processes.ts";
import { createLoad } from "./load.ts";
import { type Place, startProxy } from "./proxy.ts";
import { createTable } from "./table.ts";

const { values } = parseArgs({ options: { seconds: { type: "string", default: "60" } } });
const seconds = Number(values.seconds);
if (!(seconds >= 10)) {
  process.stderr.write("--seconds must be a number of at least 10.\n");
  process.exit(2);
}
const users = 4;
const program = join(import.meta.dirname, "server-process.ts");

interface Server extends Place {
  version: number;
  running: Running | null;
}

const directory = mkdtempSync(join(tmpdir(), "lockstep-cluster-"));
process.stdout.write("Starting PostgreSQL and three servers…\n");
const postgres = await startPostgres(directory);
const servers: Server[] = [1, 2, 3].map(() => ({ url: null, ready: false, answered: 0, version: 1, running: null }));
const proxy = await startProxy(servers);

const open = async (server: Server) => {
  server.running = await start(program, {
    DATABASE_URL: postgres.url,
    SECRET: secret,
    PUBLIC_URL: proxy.url,
    TRUST_PROXY: "127.0.0.1",
    CHALLENGE: "off",
    BCRYPT_COST: "10",
    LOG_LEVEL: "silent",
    SHUTDOWN_DELAY_SECONDS: "0.5",
    APP_VERSION: String(server.version),
  });
  server.url = server.running.url;
  while (!server.ready) await delay(20);
};

const problems: string[] = [];
const load = createLoad(proxy.url, (problem) => problems.push(problem));
try {
  for (const server of servers) await open(server);
  const table = createTable(servers, () => ({ ...load.counts, repeated: proxy.repeated() }));
  const pause = () => delay((seconds * 1000) / 10);

  const operate = async () => {
    const [first] = servers as [Server, ...Server[]];
    await pause();
    table.event("server 1 is killed");
    first.running?.child.kill("SIGKILL");
    await pause();
    table.event("server 1 starts again");
    await open(first);
    await pause();
    for (const [n, server] of servers.entries()) {
      table.event(`server ${n + 1} is replaced by version 2`);
      await server.running?.stop();
      server.version = 2;
      await open(server);
      await pause();
    }
    table.event("the users check what they wrote");
  };
  const startedAt = performance.now();
  const operating = operate().then(() => delay(Math.max(0, startedAt + seconds * 1000 - performance.now())));
  await Promise.all([operating, load.run(users, operating)]);
  table.end();
} finally {
  await proxy.stop();
  for (const { running } of servers) await running?.stop();
  await postgres.stop();
  rmSync(directory, { recursive: true });
}
for (const problem of problems) process.stderr.write(`${problem}\n`);
const { answered, retried, lost } = load.counts;
process.stdout.write(`${answered} answered, ${retried} retried, ${lost} lost\n`);
process.exitCode = lost === 0 && answered > 0 ? 0 : 1;
