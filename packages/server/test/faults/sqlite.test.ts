// What callers get while SQLite is unavailable, and that the server recovers automatically.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { createDomain } from "../../src/compose-domain.ts";
import { type DatabaseUrl, openDatabase } from "../../src/db/database.ts";
import { databaseLimitMs } from "../../src/db/time-limit.ts";
import { john, seedJohn } from "../../src/development.ts";
import { fixtureApp } from "../../src/fixture-app.ts";
import { StartError } from "../../src/start-error.ts";
import { startTestServer, testConfig, testWorld } from "../../src/testing.ts";
import { engines } from "../engines.ts";
import { spawnServer } from "../servers.ts";
import { canMountDisk, mountDisk } from "./disk.ts";

const [{ newDatabase }] = engines;
const credentials = { username: john.username, password: john.password };

/** Calls to a server, as its callers make them. */
const callsTo = (url: string) => {
  const signIn = () =>
    fetch(`${url}/trpc/auth.login`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(credentials),
    });
  return {
    signIn,
    health: () => fetch(`${url}/healthz`),
    readiness: async () => {
      const response = await fetch(`${url}/readyz`);
      return [response.status, ((await response.json()) as { reason?: string }).reason];
    },
    /** A call that only reads, of a session that started before. */
    async reader() {
      const { result } = (await (await signIn()).json()) as { result: { data: { accessToken: string } } };
      const headers = { authorization: `Bearer ${result.data.accessToken}` };
      return () => fetch(`${url}/users/me`, { headers });
    },
  };
};

const expectOutage = async (response: Response) => {
  const { error } = (await response.json()) as { error: { data: { code: string } } };
  expect([response.status, error.data.code, response.headers.get("retry-after")]).toEqual([503, "UNAVAILABLE", "2"]);
};

const ready = [200, undefined];

const startServer = async (limitMs: number, folder: string | null = null) => {
  const database = folder === null ? await newDatabase() : { url: `file:${join(folder, "test.db")}`, async drop() {} };
  const server = await startTestServer({
    databaseUrl: database.url as DatabaseUrl,
    world: { databaseLimitMs: limitMs },
  });
  return {
    ...server,
    ...callsTo(server.url),
    file: database.url.slice("file:".length),
    async [Symbol.asyncDispose]() {
      await server.close();
      await database.drop();
    },
  };
};

/** Another process with the write lock, which releases it on request. */
const lockFile = async (file: string) => {
  const program = `
    const { DatabaseSync } = require("node:sqlite");
    const database = new DatabaseSync(process.argv[1], { timeout: 10000 });
    database.exec("begin immediate");
    process.stdout.write("locked");
    process.stdin.resume().on("end", () => database.exec("rollback"));`;
  const child = spawn(process.execPath, ["-e", program, file], { stdio: ["pipe", "pipe", "inherit"] });
  await once(child.stdout, "data");
  return {
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await once(child, "exit");
    },
  };
};

describe("[S118] while another process has SQLite's write lock", () => {
  it("/healthz and reads are answered at once, and writes 503 after the limit", async () => {
    await using server = await startServer(1500);
    const read = await server.reader();
    // While SQLite itself waits, it blocks the process.
    const { rows } = await sql<{ timeout: number }>`pragma busy_timeout`.execute(server.db);
    expect(rows[0]?.timeout).toBeLessThan(50);
    {
      await using _lock = await lockFile(server.file);
      const write = server.signIn();
      // The write is waiting.
      const others = await Promise.race([write.then(() => null), Promise.all([server.health(), read(), read()])]);
      expect(others?.map(({ status }) => status)).toEqual([200, 200, 200]);
      await expectOutage(await write);
      expect(await server.readiness()).toEqual([503, "the database is locked"]);
    }
    expect(await server.readiness()).toEqual(ready);
    expect((await server.signIn()).status).toBe(200);
  });

  it("a waiting write succeeds when the lock is released", async () => {
    await using server = await startServer(60_000);
    const lock = await lockFile(server.file);
    const write = server.signIn();
    // This is answered after the first attempt of the write.
    expect((await server.health()).status).toBe(200);
    await lock[Symbol.asyncDispose]();
    expect((await write).status).toBe(200);
  });
});

describe("[S118] while the file of SQLite", () => {
  it.each(["", "-wal"])("is missing (%j) or was replaced, writes are answered 503", async (suffix) => {
    await using server = await startServer(1500);
    const gone = [503, "the database file was deleted or replaced"];
    renameSync(server.file + suffix, `${server.file}.away`);
    expect(await server.readiness()).toEqual(gone);
    await expectOutage(await server.signIn());
    writeFileSync(server.file + suffix, "");
    expect(await server.readiness()).toEqual(gone);
    await expectOutage(await server.signIn());
    renameSync(`${server.file}.away`, server.file + suffix);
    expect(await server.readiness()).toEqual(ready);
    expect((await server.signIn()).status).toBe(200);
  });

  it("is read-only, reads are served, and writes are answered 503", async () => {
    await using server = await startServer(1500);
    const read = await server.reader();
    // SQLite then behaves as with a read-only file.
    await sql`pragma query_only = on`.execute(server.db);
    expect(await server.readiness()).toEqual([503, "the database is read-only"]);
    expect((await read()).status).toBe(200);
    await expectOutage(await server.signIn());
    await sql`pragma query_only = off`.execute(server.db);
    expect(await server.readiness()).toEqual(ready);
    expect((await server.signIn()).status).toBe(200);
  });

  it("cannot grow, as with a quota, reads are served, and writes are answered 503", async () => {
    const { url, drop } = await newDatabase();
    const db = await openDatabase(url);
    await using server = await spawnServer(url, undefined, { databaseLimitMs });
    await seedJohn(await createDomain(db, { app: fixtureApp, config: testConfig(url), world: testWorld(Date.now) }));
    const { readiness, signIn, reader } = callsTo(server.url);
    const read = await reader();
    const limit = (bytes: number | "unlimited") =>
      execFileSync("prlimit", ["--pid", String(server.processId), `--fsize=${bytes}:`]);
    limit(statSync(`${url.slice("file:".length)}-wal`).size);
    expect(await readiness()).toEqual([503, "the database's disk cannot be read or written"]);
    expect((await read()).status).toBe(200);
    await expectOutage(await signIn());
    limit("unlimited");
    await expect.poll(readiness).toEqual(ready);
    expect((await signIn()).status).toBe(200);
    await db.destroy();
    await server[Symbol.asyncDispose]();
    await drop();
  });
});

if (canMountDisk) {
  it("a read-only folder of SQLite is reported in one sentence at start", async () => {
    using disk = mountDisk(4 * 2 ** 20);
    const url: DatabaseUrl = `file:${join(disk.folder, "test.db")}`;
    await (await openDatabase(url)).destroy();
    disk.makeReadOnly();
    const refusal = openDatabase(url);
    await expect(refusal).rejects.toThrow(StartError);
    await expect(refusal).rejects.toThrow(
      /^The database file .*test\.db cannot be opened \(.*read-only.*\)\. Make it /,
    );
  });

  it("[S118] while SQLite's disk is full, reads are served, and writes are answered 503", async () => {
    using disk = mountDisk(4 * 2 ** 20);
    await using server = await startServer(1500, disk.folder);
    const read = await server.reader();
    disk.fill();
    expect(await server.readiness()).toEqual([503, "the database's disk is full"]);
    expect((await read()).status).toBe(200);
    await expectOutage(await server.signIn());
    disk.makeRoom();
    expect(await server.readiness()).toEqual(ready);
    expect((await server.signIn()).status).toBe(200);
  });
}
