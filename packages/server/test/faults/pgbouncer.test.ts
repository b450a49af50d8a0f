// Sessions, database error codes and concurrent calls through a PgBouncer in transaction mode.

import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDatabase } from "../../src/db/database.ts";
import { createNews, PoolerError } from "../../src/db/news.ts";
import { startTestServer, type TestServer } from "../../src/testing.ts";
import { callsTo } from "../calls.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import { hasPgBouncer, startPgBouncer } from "./pgbouncer.ts";

describe.skipIf(!hasPgBouncer)("behind a PgBouncer in transaction mode", () => {
  let cluster: Cluster;
  let bouncer: Awaited<ReturnType<typeof startPgBouncer>>;
  let server: TestServer;

  beforeAll(async () => {
    cluster = await startCluster();
    bouncer = await startPgBouncer(cluster.url, 3);
    server = await startTestServer({ databaseUrl: bouncer.url, world: { hashingThreads: () => 2 } });
  });
  afterAll(async () => {
    await server.close();
    await bouncer[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
  });

  const signIn = async () =>
    (await callsTo(server.app).mutate("auth.login", { username: "john", password: "secret" })).data;

  it("many callers at once sign in, read, refresh and sign out", async () => {
    const { query, mutate } = callsTo(server.app);
    const one = async () => {
      let { accessToken, refreshToken } = await signIn();
      for (let round = 0; round < 5; round++) {
        expect((await query("user.me", { token: accessToken })).code).toBe("OK");
        expect((await query("session.list", { token: accessToken })).code).toBe("OK");
        const refreshed = await mutate("auth.refresh", { refreshToken });
        expect(refreshed.code).toBe("OK");
        ({ accessToken, refreshToken } = refreshed.data);
      }
      expect((await mutate("auth.logout", undefined, { token: accessToken })).code).toBe("OK");
      expect((await query("user.me", { token: accessToken })).code).toBe("INVALID_TOKEN");
    };
    await Promise.all(Array.from({ length: 4 }, one));
  });

  it("no statement is named, since the next one may reach a server without it", async () => {
    const { accessToken } = await signIn();
    const { query } = callsTo(server.app);
    await Promise.all(Array.from({ length: 30 }, () => query("user.me", { token: accessToken })));
    const db = await openDatabase(bouncer.url, { poolSize: 1 });
    const { rows } = await sql`select name from pg_prepared_statements where name <> ''`.execute(db);
    await db.destroy();
    expect(rows).toEqual([]);
  });

  it("news are not heard, which is said once, unless DATABASE_LISTEN_URL goes past it", async () => {
    const through = createNews({ db: server.db, now: Date.now, newId: randomUUID });
    const reported = await new Promise((resolve) => through.begin({ url: bouncer.url, hear() {}, report: resolve }));
    expect(reported).toBeInstanceOf(PoolerError);
    await through.end();
    const past = createNews({ db: server.db, now: Date.now, newId: randomUUID });
    const heard = new Promise<void>((resolve) =>
      past.begin({ url: cluster.url, hear: (piece) => piece === "something" && resolve(), report() {} }),
    );
    through.tell("something");
    await expect(heard).resolves.toBeUndefined();
    await past.end();
  });

  it("a cut connection fails its call, and the next ones are served", async () => {
    const { accessToken } = await signIn();
    const { query } = callsTo(server.app);
    for (let round = 0; round < 5; round++) {
      const calls = Array.from({ length: 10 }, () => query("session.list", { token: accessToken }));
      await cluster.cut();
      for (const { code } of await Promise.all(calls)) expect(code).toBeOneOf(["OK", "UNAVAILABLE"]);
    }
    expect((await query("user.me", { token: accessToken })).code).toBe("OK");
  });
});
