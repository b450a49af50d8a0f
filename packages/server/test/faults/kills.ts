// Kills processes that write to one SQLite file, and locks the file, under load. Then checks the invariants: every
// acknowledged write is stored, no transaction is stored in part, no code or refresh token is redeemed twice, every
// call to a living server is answered, and a server starts again on the files of the killed one.
//
// The load is a real server called over HTTP, and a second process that writes through the driver: both are killed.

import { fork } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { sql } from "kysely";
import { freePort, photoApp } from "../../src/authorization-server/testing.ts";
import { createDomain } from "../../src/compose-domain.ts";
import { type DatabaseUrl, openDatabase } from "../../src/db/database.ts";
import { migrateToLatest } from "../../src/db/migrate.ts";
import { databaseLimitMs } from "../../src/db/time-limit.ts";
import { seedJohn } from "../../src/development.ts";
import { fixtureApp } from "../../src/fixture-app.ts";
import { testConfig, testSource, testWorld } from "../../src/testing.ts";
import { prepareServer, spawnServer } from "../servers.ts";
import { checkSessions, createCallers } from "./callers.ts";
import { createFindings, settle } from "./findings.ts";
import type { WriterMessage } from "./writer-process.ts";
import { checkWrites, createWriteTables, type WriteState } from "./writes.ts";

export interface KillsOptions {
  /** Ends after this number of kills, or when the time is over. */
  readonly kills: number;
  readonly minutes?: number;
  /** A call without an answer by then counts as hanging. */
  readonly answerLimitMs?: number;
}

/**
 * Each kill follows a random number of acknowledged writes below this, within this number of milliseconds, and a short
 * random delay.
 */
const maxWritesBetweenKills = 60;
const maxMsBetweenKills = 1000;
const maxMomentMs = 6;
/** How long the file is locked before a kill: less than the time limit of a call. */
const maxLockMs = 200;
/** The maximum number of attempts of each kind of call after the last kill. */
const recoveryTries = 50;

export const runKills = async ({ kills, minutes = Number.POSITIVE_INFINITY, answerLimitMs = 5000 }: KillsOptions) => {
  const folder = await mkdtemp(join(tmpdir(), "lockstep-kills-"));
  const file = join(folder, "test.db");
  const databaseUrl: DatabaseUrl = `file:${file}`;
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const db = await openDatabase(databaseUrl);
  await migrateToLatest(db);
  const config = { ...testConfig(databaseUrl), publicUrl: url };
  const domain = await createDomain(db, { app: fixtureApp, config, world: testWorld(Date.now) });
  await seedJohn(domain);
  const { client, secret } = await domain.clients.register(photoApp, "operator", testSource);
  await createWriteTables(db);

  const findings = createFindings(answerLimitMs);
  const { report, problems, found, acknowledge } = findings;
  let over = false;

  // Loading takes the longest, so do it in advance.
  let nextServer = prepareServer();
  const startServer = () => {
    const started = spawnServer(databaseUrl, nextServer, { publicUrl: url, port, databaseLimitMs });
    nextServer = prepareServer();
    return started;
  };
  let starting = startServer();
  let serverKills = 0;
  const killServer = async () => {
    const server = await starting;
    serverKills++;
    const killed = server.kill();
    starting = killed.then(startServer);
    await starting;
  };

  const writes = new Map<string, WriteState>();
  const startWriter = () => {
    const child = fork(join(import.meta.dirname, "writer-process.ts"));
    const exited = once(child, "exit");
    child.on("message", ({ id, state }: WriterMessage) => {
      writes.set(id, state);
      if (state === "acknowledged") acknowledge();
    });
    child.send(databaseUrl);
    let isKilled = false;
    void exited.then(([code]) => {
      if (!isKilled) found("crashes", `the writer ended with ${code}`);
    });
    return {
      async kill() {
        isKilled = true;
        child.kill("SIGKILL");
        await exited;
      },
    };
  };
  let writer = startWriter();
  const killWriter = async () => {
    await writer.kill();
    if (!over) writer = startWriter();
  };

  const locker = new DatabaseSync(file, { timeout: 0 });
  const lock = async () => {
    try {
      locker.exec("begin immediate");
    } catch {
      // Another process has the lock, which has the same effect.
      return;
    }
    await delay(randomInt(maxLockMs));
    locker.exec("rollback");
  };

  const { useSession, connectClient, sessions } = createCallers({
    url,
    client: { id: client.id, secret },
    findings,
    server: {
      up: async () => void (await starting),
      isAlive: () => true,
      kills: () => serverKills,
    },
  });
  const goOn = async (step: () => Promise<void>) => {
    while (!over) await settle(step());
  };

  const kill = async () => {
    const endsAt = performance.now() + minutes * 60_000;
    while (report.faults < kills && performance.now() < endsAt) {
      await findings.progress(randomInt(maxWritesBetweenKills), maxMsBetweenKills);
      if (randomInt(3) === 0) await lock();
      await delay(randomInt(maxMomentMs));
      await (report.faults % 2 === 0 ? killServer() : killWriter());
      report.faults++;
      report.hit++;
      // Reset the counters: attempts that were cut off correctly stay counted, and would delay the load.
      await db.deleteFrom("throttles").execute();
    }
    over = true;
  };

  await Promise.all([kill(), ...[useSession, useSession, connectClient].map(goOn)]);
  await killWriter();
  for (const [name, step] of Object.entries({ useSession, connectClient })) {
    const before = report.acknowledged;
    for (let n = 0; n < recoveryTries && report.acknowledged === before; n++) await settle(step());
    if (report.acknowledged === before) found("lostWrites", `${name} does not work any more`);
  }
  await (await starting)[Symbol.asyncDispose]();
  nextServer.child.kill("SIGKILL");
  await nextServer.exited;
  locker.close();
  const { rows } = await sql<{ integrity_check: string }>`pragma integrity_check`.execute(db);
  for (const { integrity_check: fault } of rows)
    if (fault !== "ok") found("lostWrites", `the file is damaged: ${fault}`);
  await checkWrites(db, writes, findings);
  await checkSessions(db, sessions, findings);
  await db.destroy();
  await rm(folder, { recursive: true });
  return { report, problems };
};
