// The duration of operations in a large database, compared with a small one, on SQLite and PostgreSQL. The databases stay in
// `bench/.data`, so that an interrupted fill continues and a finished one is used again.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { progress } from "@clack/prompts";
import { createDomain } from "@lockstep/server/compose-domain";
import { loadConfig } from "@lockstep/server/config";
import { type DatabaseUrl, openDatabase } from "@lockstep/server/database";
import { fixtureApp } from "@lockstep/server/fixture-app";
import pg from "pg";
import { password, pickSessions, prepare } from "./database.ts";
import { fillDatabase } from "./fill.ts";
import { pace } from "./pace.ts";
import { startPostgres } from "./postgres.ts";
import { lockstep, start } from "./processes.ts";
import { median, ratios, type Table } from "./report.ts";
import { createCaller, dataOf } from "./rpc.ts";

const smallUsers = 1000;
const sessionsPerUser = 2;
/** Far fewer than the small database has, so that its pages are full too. */
const pageSize = 50;
/** Calls of each operation in a round. Fewer sign-ins: their hash takes most of the time. */
const callsPerRound = pace.quick ? 5 : 100;
const loginsPerRound = pace.quick ? 2 : 10;

const operations = [
  "auth.login",
  "auth.refresh",
  "user.me",
  "session.list",
  "session.revoke",
  "find a user by e-mail address",
  "list a page of users",
] as const;
type Operation = (typeof operations)[number];
/** The duration of each call, by operation, in ms. */
type Times = Record<Operation, number[]>;

export interface ScaleOptions {
  readonly users: number;
  /** The folder of the databases. */
  readonly directory?: string;
}

export const scale = async ({ users, directory = join(import.meta.dirname, "../.data/scale") }: ScaleOptions) => {
  mkdirSync(directory, { recursive: true });
  const onSqlite = await compare("SQLite", users, (size) => `file:${join(directory, `users-${size}.db`)}`);
  const server = await startPostgres(join(directory, "postgres"));
  try {
    for (const size of [smallUsers, users]) await createPostgresDatabase(server.url, `users_${size}`);
    const urlOf = (size: number) => server.url.replace(/postgres$/, `users_${size}`) as DatabaseUrl;
    return [onSqlite, await compare("PostgreSQL", users, urlOf)];
  } finally {
    await server.stop();
  }
};

const createPostgresDatabase = async (url: string, name: string) => {
  const admin = new pg.Client(url);
  await admin.connect();
  const { rowCount } = await admin.query("select 1 from pg_database where datname = $1", [name]);
  if (rowCount === 0) await admin.query(`create database ${name}`);
  await admin.end();
};

const compare = async (engine: string, users: number, urlOf: (users: number) => DatabaseUrl): Promise<Table> => {
  const [few, many] = [await openSampler(urlOf(smallUsers), smallUsers), await openSampler(urlOf(users), users)];
  const medians = { few: [] as Record<Operation, number>[], many: [] as Record<Operation, number>[] };
  try {
    // The first round is a warm-up.
    for (let round = -1; round < pace.rounds; round++) {
      const [a, b] = [await few.sample(), await many.sample()];
      if (round < 0) continue;
      medians.few.push(a);
      medians.many.push(b);
    }
  } finally {
    await Promise.all([few.close(), many.close()]);
  }
  const size = (count: number) => `${count.toLocaleString("en")} users`;
  return {
    title: `${size(users)} with ${sessionsPerUser} sessions each, compared with ${size(smallUsers)}, on ${engine}`,
    figures: operations.flatMap((operation) => {
      const [a, b] = [medians.few.map((round) => round[operation]), medians.many.map((round) => round[operation])];
      return [
        { name: `${operation}, ${size(smallUsers)}, ms`, values: a, digits: 2 },
        { name: `${operation}, ${size(users)}, ms`, values: b, digits: 2 },
        { name: `${operation}, ratio`, values: ratios(b, a), digits: 2, target: "≤ 2" as const },
      ];
    }),
  };
};

/** Fills a database, and measures a server and the admin commands' domain on it. */
const openSampler = async (url: DatabaseUrl, users: number) => {
  // The minimum: otherwise the hash would be nearly all of a sign-in.
  const env = await prepare(url, { BCRYPT_COST: "10" });
  await fillWithProgress(url, users);
  const picked = await pickSessions(url, (pace.rounds + 1) * callsPerRound);
  const server = await start(lockstep, env);
  const caller = createCaller(server.url);
  const db = await openDatabase(url);
  const domain = await createDomain(db, { app: fixtureApp, config: { ...loadConfig(env, "/"), secret: env.SECRET } });
  const anyUser = () => `user-${Math.floor(Math.random() * users)}`;

  return {
    /** The median of a round, by operation. */
    async sample(): Promise<Record<Operation, number>> {
      const times = Object.fromEntries(operations.map((operation): [string, number[]] => [operation, []])) as Times;
      const timed = async <T>(operation: Operation, call: () => Promise<T>): Promise<T> => {
        const startedAt = performance.now();
        const answer = await call();
        times[operation].push(performance.now() - startedAt);
        return answer;
      };
      for (let n = 0; n < loginsPerRound; n++) {
        const from = { "x-forwarded-for": `10.2.${n}.${Math.floor(Math.random() * 256)}` };
        dataOf(await timed("auth.login", () => caller.mutate("auth.login", { username: anyUser(), password }, from)));
      }
      for (const { id, refreshToken } of picked.splice(0, callsPerRound)) {
        const refreshed = await timed("auth.refresh", () => caller.mutate("auth.refresh", { refreshToken }));
        const { accessToken } = dataOf<{ accessToken: string }>(refreshed);
        dataOf(await timed("user.me", () => caller.query("user.me", accessToken)));
        dataOf(await timed("session.list", () => caller.query("session.list", accessToken)));
        const input = { sessionId: id };
        dataOf(await timed("session.revoke", () => caller.mutate("session.revoke", input, caller.bearer(accessToken))));
        const found = await timed("find a user by e-mail address", () =>
          domain.users.findByLogin(`${anyUser()}@example.com`),
        );
        if (!found) throw new Error("User not found");
      }
      for (let n = 0; n < loginsPerRound; n++) {
        await timed("list a page of users", () => domain.users.list({ after: anyUser(), limit: pageSize }));
      }
      return Object.fromEntries(operations.map((operation) => [operation, median(times[operation])])) as Record<
        Operation,
        number
      >;
    },
    async close() {
      caller.close();
      await server.stop();
      await db.destroy();
    },
  };
};

const fillWithProgress = async (url: DatabaseUrl, users: number) => {
  const db = await openDatabase(url);
  const bar = process.stderr.isTTY ? progress({ max: users, output: process.stderr }) : null;
  let shown = 0;
  bar?.start(`Adding ${users.toLocaleString("en")} users`);
  try {
    await fillDatabase(db, {
      users,
      sessionsPerUser,
      onProgress: (filled) => {
        bar?.advance(filled - shown, `${filled.toLocaleString("en")} of ${users.toLocaleString("en")} users`);
        shown = filled;
      },
    });
    bar?.stop(`${users.toLocaleString("en")} users, ${(users * sessionsPerUser).toLocaleString("en")} sessions`);
  } finally {
    await db.destroy();
  }
};
