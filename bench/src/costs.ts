// What calls cost on PostgreSQL, as input of the simulation: CPU time of the server and of PostgreSQL, statements, and bytes of
// a row with its indexes.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DatabaseUrl, openDatabase } from "@lockstep/server/database";
import { startTestServer } from "@lockstep/server/testing";
import pg from "pg";
import { password, pickSessions, prepare, secret } from "./database.ts";
import { fillDatabase } from "./fill.ts";
import { pace } from "./pace.ts";
import { startPostgres } from "./postgres.ts";
import { lockstep, start } from "./processes.ts";
import type { Table } from "./report.ts";
import { createCaller, dataOf } from "./rpc.ts";

const users = pace.quick ? 500 : 20_000;
const atOnce = 12;
const calls = pace.quick ? 60 : { "user.me": 20_000, "auth.refresh": 4000, "auth.login": 48, "user.update": 4000 };
/** `_SC_CLK_TCK` of Linux. */
const tickMs = 10;

const operations = ["user.me", "auth.refresh", "auth.login", "user.update"] as const;
type Operation = (typeof operations)[number];

interface Process {
  readonly parent: number;
  readonly cpuMs: number;
}

const processOf = (pid: number): Process => {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // "pid (command) state parent …": user, system, and those of children that have ended are fields 14 to 17.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return { parent: Number(fields[1]), cpuMs: ticks * tickMs };
};

/** CPU time of a process and its children so far. */
const cpuMsOf = (pid: number): number => {
  let sum = processOf(pid).cpuMs;
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const { parent, cpuMs } = processOf(Number(name));
      if (parent === pid) sum += cpuMs;
    } catch {
      // It has ended.
    }
  }
  return sum;
};

/** Sends `count` calls, `atOnce` at a time. */
const repeat = async (count: number, call: (n: number) => Promise<unknown>): Promise<void> => {
  let next = 0;
  const work = async () => {
    while (next < count) await call(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
};

export const costs = async (): Promise<Table[]> => {
  const directory = mkdtempSync(join(tmpdir(), "lockstep-bench-costs-"));
  const postgres = await startPostgres(directory);
  const url = postgres.url as DatabaseUrl;
  try {
    const env = await prepare(url);
    const db = await openDatabase(url);
    await fillDatabase(db, { users, sessionsPerUser: 2 });
    await db.destroy();
    const tables = [await measureCpu(url, env), await measureStatements(url), await measureRows(url)];
    return tables;
  } finally {
    await postgres.stop();
    rmSync(directory, { recursive: true });
  }
};

const countOf = (operation: Operation) => (typeof calls === "number" ? calls : calls[operation]);

const measureCpu = async (url: DatabaseUrl, env: Record<string, string>): Promise<Table> => {
  const sessions = await pickSessions(url, countOf("auth.refresh"));
  const server = await start(lockstep, env);
  const client = new pg.Client(url);
  await client.connect();
  const { rows } = await client.query("select pg_backend_pid() as pid");
  const postmaster = processOf(rows[0].pid).parent;
  const caller = createCaller(server.url, atOnce);
  const from = (n: number) => ({ "x-forwarded-for": `10.${n % 200}.${Math.floor(n / 200) % 200}.1` });
  const login = async (n: number) =>
    dataOf<{ accessToken: string }>(await caller.mutate("auth.login", { username: `user-${n}`, password }, from(n)));
  const { accessToken } = await login(0);
  const call: Record<Operation, (n: number) => Promise<unknown>> = {
    "user.me": async () => dataOf(await caller.query("user.me", accessToken)),
    "auth.refresh": async (n) =>
      dataOf(await caller.mutate("auth.refresh", { refreshToken: sessions[n]?.refreshToken ?? "" })),
    "auth.login": (n) => login(n + 1),
    "user.update": async (n) =>
      dataOf(await caller.mutate("user.update", { fullName: `Name ${n}` }, caller.bearer(accessToken))),
  };
  const figures = [];
  await repeat(200, call["user.me"]);
  for (const operation of operations) {
    const [serverMs, databaseMs] = [cpuMsOf(server.child.pid ?? 0), cpuMsOf(postmaster)];
    await repeat(countOf(operation), call[operation]);
    figures.push(
      {
        name: `${operation}, server, ms`,
        values: [(cpuMsOf(server.child.pid ?? 0) - serverMs) / countOf(operation)],
        digits: 3,
      },
      {
        name: `${operation}, PostgreSQL, ms`,
        values: [(cpuMsOf(postmaster) - databaseMs) / countOf(operation)],
        digits: 3,
      },
    );
  }
  caller.close();
  await client.end();
  await server.stop();
  return { title: `CPU time of calls on PostgreSQL, ${atOnce} at once`, figures };
};

/** What a server sends after its answers, for several calls at once: news to other servers, and mails. */
const afterAnswers = /\bnews\b|"messages"/;

/** How many statements each call sends, with nothing else to do. */
export const countStatements = async (url: DatabaseUrl): Promise<Readonly<Record<Operation, number>>> => {
  let statements = 0;
  const { query } = pg.Client.prototype;
  // Whatever its overload: the arguments are passed on.
  pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
    const [sent] = args as [string | { readonly text: string }]; // as all of its overloads begin
    if (!afterAnswers.test(typeof sent === "string" ? sent : sent.text)) statements++;
    return Reflect.apply(query, this, args);
  } as typeof query;
  try {
    await using server = await startTestServer({ databaseUrl: url, config: { secret } });
    const caller = createCaller(server.url);
    /** The fewest of several: the server's background work sends statements, too. */
    const counted = async (call: () => Promise<unknown>): Promise<number> => {
      const counts: number[] = [];
      for (let n = 0; n < 5; n++) {
        const before = statements;
        await call();
        counts.push(statements - before);
      }
      return Math.min(...counts);
    };
    const signIn = async () =>
      dataOf<{ accessToken: string; refreshToken: string }>(
        await caller.mutate("auth.login", { username: "john", password }),
      );
    let { accessToken, refreshToken } = await signIn();
    const forMe = await counted(() => caller.query("user.me", accessToken));
    const forLogin = await counted(signIn);
    const forUpdate = await counted(async () =>
      dataOf(await caller.mutate("user.update", { fullName: "Another" }, caller.bearer(accessToken))),
    );
    const forRefresh = await counted(async () => {
      const answer = await caller.mutate("auth.refresh", { refreshToken });
      ({ accessToken, refreshToken } = dataOf<{ accessToken: string; refreshToken: string }>(answer));
    });
    caller.close();
    return { "user.me": forMe, "auth.refresh": forRefresh, "auth.login": forLogin, "user.update": forUpdate };
  } finally {
    pg.Client.prototype.query = query;
  }
};

const measureStatements = async (url: DatabaseUrl): Promise<Table> => ({
  title: "Statements of one call",
  figures: Object.entries(await countStatements(url)).map(([name, value]) => ({ name, values: [value] })),
});

const measureRows = async (url: DatabaseUrl): Promise<Table> => {
  const client = new pg.Client(url);
  await client.connect();
  const figures = [];
  await client.query("vacuum full");
  for (const table of ["users", "sessions", "audit_log"]) {
    const { rows } = await client.query(
      `select pg_total_relation_size('${table}')::float / greatest(count(*), 1) as bytes from ${table}`,
    );
    figures.push({ name: table, values: [rows[0].bytes as number] });
  }
  await client.end();
  return { title: "Bytes of a row with its indexes", figures };
};
