// Filling a database with users and sessions, on both engines.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DatabaseUrl, openDatabase } from "@lockstep/server/database";
import { startTestServer } from "@lockstep/server/testing";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { password, pickSessions, secret } from "../src/database.ts";
import { fillDatabase } from "../src/fill.ts";
import { type Postgres, startPostgres } from "../src/postgres.ts";
import { createCaller, dataOf } from "../src/rpc.ts";

const directories = ["sqlite", "postgres"].map((name) => mkdtempSync(join(tmpdir(), `lockstep-bench-${name}-`)));
const [sqliteDirectory = "", postgresDirectory = ""] = directories;
let postgres: Postgres;

beforeAll(async () => {
  postgres = await startPostgres(postgresDirectory);
});

afterAll(async () => {
  await postgres?.stop();
  for (const directory of directories) rmSync(directory, { recursive: true });
});

describe.each([
  ["SQLite", () => `file:${join(sqliteDirectory, "fill.db")}` as const],
  ["PostgreSQL", () => postgres.url as DatabaseUrl],
])("filling a database, on %s", (_, urlOf) => {
  const filling = { users: 50, sessionsPerUser: 2, usersAtOnce: 20 };

  it("continues an interrupted fill, and creates users and sessions that a server accepts", async () => {
    const url = urlOf();
    const startServer = () => startTestServer({ databaseUrl: url, config: { secret } });
    // The server creates the schema and john. It must not run during the fill, which locks the database in this process.
    await (await startServer()).close();
    await using db = await openDatabase(url);
    const interrupt = (users: number) => {
      if (users > 0) throw new Error("interrupted");
    };
    await expect(fillDatabase(db, { ...filling, onProgress: interrupt })).rejects.toThrow("interrupted");
    const seen: number[] = [];
    await fillDatabase(db, { ...filling, onProgress: (users) => seen.push(users) });
    expect(seen).toEqual([20, 40, 50]);

    const { rows } = await sql<{ users: number; sessions: number; owners: number }>`
      select (select count(*) from users where username like 'user-%') as users, count(*) as sessions,
        count(distinct user_id) as owners from sessions`.execute(db);
    expect(rows.map((row) => Object.values(row).map(Number))).toEqual([[50, 100, 50]]);

    await using server = await startServer();
    const caller = createCaller(server.url);
    try {
      dataOf(await caller.mutate("auth.login", { username: "user-49", password }));
      const [picked] = await pickSessions(url, 1);
      const refreshed = await caller.mutate("auth.refresh", { refreshToken: picked?.refreshToken });
      const { accessToken } = dataOf<{ accessToken: string }>(refreshed);
      const { username } = dataOf<{ username: string }>(await caller.query("user.me", accessToken));
      expect(username).toMatch(/^user-\d+$/);
    } finally {
      caller.close();
    }
  });
});
