// `lockstep db copy` of a filled SQLite database to PostgreSQL, as a process: how long it takes, and how much memory it needs.
// Then a user signs in at a server on the copy, and a session of the source continues there.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { type DatabaseUrl, openDatabase } from "@lockstep/server/database";
import pg from "pg";
import { newDatabase, password, pickSessions } from "./database.ts";
import { fillDatabase } from "./fill.ts";
import { pace } from "./pace.ts";
import { startPostgres } from "./postgres.ts";
import { lockstep, start } from "./processes.ts";
import type { Table } from "./report.ts";
import { createCaller, dataOf } from "./rpc.ts";

const sessionsPerUser = 2;

const admin = join(import.meta.dirname, "../../apps/server/dist/admin.js");
/** Prints the peak of the process's resident memory, in kB, when it ends. */
const printPeak =
  "data:text/javascript,process.on('exit', () => process.stderr.write('peak ' + process.resourceUsage().maxRSS))";

interface Run {
  readonly seconds: number;
  readonly peakBytes: number;
}

/** @param killAfterMs ends the process like a machine that loses power; `null`: it runs to its end */
const copy = async (from: string, to: string, env: NodeJS.ProcessEnv, killAfterMs: number | null): Promise<Run> => {
  const startedAt = performance.now();
  const child = spawn(process.execPath, ["--import", printPeak, admin, "db", "copy", "--from", from, "--to", to], {
    env: { PATH: process.env["PATH"], ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const errors = text(child.stderr);
  const timer = killAfterMs === null ? undefined : setTimeout(() => child.kill("SIGKILL"), killAfterMs);
  const [code, signal] = await once(child, "exit");
  clearTimeout(timer);
  const printed = await errors;
  if (signal === null && code !== 0) throw new Error(printed);
  return {
    seconds: (performance.now() - startedAt) / 1000,
    peakBytes: Number(/peak (\d+)$/.exec(printed)?.[1]) * 1024,
  };
};

/** Signs a user in at the copy, and continues a session. @throws Error when one of them is refused */
const assertUsable = async (env: Record<string, string>, users: number, refreshToken: string): Promise<void> => {
  const server = await start(lockstep, env);
  const caller = createCaller(server.url);
  try {
    dataOf(await caller.mutate("auth.login", { username: `user-${users - 1}`, password }));
    dataOf(await caller.mutate("auth.refresh", { refreshToken }));
  } finally {
    caller.close();
    await server.stop();
  }
};

export const copies = async ({ users }: { readonly users: number }): Promise<Table[]> => {
  const source = await newDatabase();
  const directory = mkdtempSync(join(tmpdir(), "lockstep-bench-copy-"));
  const postgres = await startPostgres(directory);
  try {
    const db = await openDatabase(source.url);
    await fillDatabase(db, { users, sessionsPerUser });
    await db.destroy();
    const [session] = await pickSessions(source.url, 1);
    const databaseOf = async (name: string): Promise<DatabaseUrl> => {
      const client = new pg.Client(postgres.url);
      await client.connect();
      await client.query(`create database ${name}`);
      await client.end();
      return postgres.url.replace(/postgres$/, name) as DatabaseUrl;
    };
    const whole = await databaseOf("whole");
    const run = await copy(source.url, whole, source.env, null);
    await assertUsable({ ...source.env, DATABASE_URL: whole }, users, session?.refreshToken ?? "");

    const killed = await databaseOf("killed");
    const kills = pace.quick ? 2 : 10;
    let seconds = 0;
    for (let n = 0; n < kills; n++)
      // A copy that continues is shorter, and must not finish.
      seconds += (await copy(source.url, killed, source.env, Math.random() * run.seconds * 400)).seconds;
    const last = await copy(source.url, killed, source.env, null);
    await assertUsable({ ...source.env, DATABASE_URL: killed }, users, session?.refreshToken ?? "");
    return [
      {
        title: `Copy of ${users.toLocaleString("en")} users with ${sessionsPerUser} sessions each from SQLite to PostgreSQL`,
        figures: [
          { name: "duration, s", values: [run.seconds], digits: 1 },
          { name: "peak memory, MB", values: [run.peakBytes / 1e6] },
          { name: `duration of ${kills} copies that were killed, s`, values: [seconds], digits: 1 },
          { name: "duration of the one that finishes them, s", values: [last.seconds], digits: 1 },
        ],
      },
    ];
  } finally {
    await postgres.stop();
    rmSync(directory, { recursive: true });
    source.remove();
  }
};
