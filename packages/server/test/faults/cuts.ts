// Cuts PostgreSQL's connections under load, and checks the invariants: every acknowledged write is stored, no
// transaction is stored in part, no code or refresh token is redeemed twice, every call is answered, and the process
// survives.
//
// The load is a real server in a process of its own, called over HTTP, and transactions through the driver in this one.

import { randomInt } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { freePort, photoApp } from "../../src/authorization-server/testing.ts";
import { createDomain } from "../../src/compose-domain.ts";
import { openDatabase } from "../../src/db/database.ts";
import { databaseLimitMs } from "../../src/db/time-limit.ts";
import { seedJohn } from "../../src/development.ts";
import { fixtureApp } from "../../src/fixture-app.ts";
import { testConfig, testSource, testWorld } from "../../src/testing.ts";
import { prepareServer, spawnServer } from "../servers.ts";
import { checkSessions, createCallers } from "./callers.ts";
import { startCluster } from "./cluster.ts";
import { createFindings, settle, Unavailable } from "./findings.ts";
import { checkWrites, createWriter, createWriteTables, type WriteState } from "./writes.ts";

export interface CutsOptions {
  readonly poolSize: number;
  /** Ends after this number of cuts, or when the time is over. */
  readonly cuts: number;
  readonly minutes?: number;
  /** A call without an answer by then counts as hanging. */
  readonly answerLimitMs?: number;
}

/**
 * Each cut follows a random number of acknowledged writes below this, within this number of milliseconds, and a short
 * random delay.
 */
const maxWritesBetweenCuts = 12;
const maxMsBetweenCuts = 300;
const maxMomentMs = 6;
/** The maximum number of attempts of each kind of write after the last cut. */
const recoveryTries = 50;

export const runCuts = async ({
  poolSize,
  cuts,
  minutes = Number.POSITIVE_INFINITY,
  answerLimitMs = 5000,
}: CutsOptions) => {
  await using cluster = await startCluster();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const settings = { publicUrl: url, port, poolSize, databaseLimitMs };
  await using server = await spawnServer(cluster.url, prepareServer(), settings);
  await using db = await openDatabase(cluster.url, { poolSize });
  const config = { ...testConfig(cluster.url), publicUrl: url };
  const domain = await createDomain(db, { app: fixtureApp, config, world: testWorld(Date.now) });
  await seedJohn(domain);
  const { client, secret } = await domain.clients.register(photoApp, "operator", testSource);
  await createWriteTables(db);
  const administrator = await cluster.connect();

  const findings = createFindings(answerLimitMs);
  const { report, problems, found, acknowledge, within } = findings;
  const { useSession, connectClient, sessions } = createCallers({
    url,
    client: { id: client.id, secret },
    findings,
    server: { up: async () => {}, isAlive: server.isAlive, kills: () => 0 },
  });

  const writes = new Map<string, WriteState>();
  const writer = createWriter(db, (id, state) => {
    writes.set(id, state);
    if (state === "acknowledged") acknowledge();
  });
  const write = (name: string, step: () => Promise<void>) => () =>
    within(name, step()).catch((error: unknown) => {
      if ((error as Error).name === "DatabaseUnavailableError") report.unavailable++;
      else if (!(error instanceof Unavailable)) found("wrongAnswers", `${name} failed: ${error}`);
      throw new Unavailable();
    });
  const writePair = write("a transaction", writer.writePair);
  const writeSingle = write("a write", writer.writeSingle);

  const kinds = { writePair, writeSingle, useSession, connectClient };
  let over = false;
  const goOn = async (step: () => Promise<void>) => {
    while (!over && server.isAlive()) await settle(step());
  };

  const cut = async () => {
    const endsAt = performance.now() + minutes * 60_000;
    while (report.faults < cuts && performance.now() < endsAt && server.isAlive()) {
      await findings.progress(randomInt(maxWritesBetweenCuts), maxMsBetweenCuts);
      await delay(randomInt(maxMomentMs));
      const { rows } = await administrator.query<{ pid: number }>(
        "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'",
      );
      report.faults++;
      report.hit += rows.length;
      // Reset the counters: attempts that were cut correctly stay counted, and would delay the load.
      await administrator.query("delete from throttles");
    }
    over = true;
  };

  await Promise.all([
    cut(),
    ...[writePair, writePair, writePair, writeSingle, writeSingle, useSession, useSession, connectClient].map(goOn),
  ]);
  // It recovers automatically.
  for (const [name, step] of Object.entries(kinds)) {
    const before = report.acknowledged;
    for (let n = 0; n < recoveryTries && report.acknowledged === before; n++) await settle(step());
    if (report.acknowledged === before) found("lostWrites", `${name} does not work any more`);
  }
  if (!server.isAlive()) found("crashes", "the server ended");
  await administrator.end();
  await checkWrites(db, writes, findings);
  await checkSessions(db, sessions, findings);
  return { report, problems };
};
