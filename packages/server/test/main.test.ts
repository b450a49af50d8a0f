import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { getPriority, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, inject, it } from "vitest";
import { freePort } from "../src/authorization-server/testing.ts";
import { openDatabase } from "../src/db/database.ts";
import { migrateToLatest } from "../src/db/migrate.ts";

const directory = mkdtempSync(join(tmpdir(), "lockstep-main-"));
afterAll(() => rmSync(directory, { recursive: true }));

const secret = "a secret of tests, of thirty-two characters";
const databaseUrl = (name: string) => `file:${join(directory, name)}` as const;

/** Runs the server as a process until it is ready or has exited. */
const start = async (env: Record<string, string>) => {
  const child = spawn(process.execPath, [join(import.meta.dirname, "main-process.ts")], {
    env: { PATH: process.env["PATH"], PORT: "0", SECRET: secret, ...env },
  });
  let stdout = "";
  let stderr = "";
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const ready = new Promise<void>((resolve) =>
    child.stdout.on("data", (chunk) => {
      stdout += chunk;
      if (stdout.includes("is ready")) resolve();
    }),
  );
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const code = await Promise.race([ready, exited]);
  const stop = () => {
    child.kill("SIGTERM");
    return exited;
  };
  return { pid: child.pid ?? 0, code: code ?? null, stop, output: () => ({ stdout, stderr }) };
};

const refusal = async (env: Record<string, string>) => {
  const { code, stop, output } = await start(env);
  if (code === null) await stop();
  return { code, ...output() };
};

describe("the process", () => {
  it("starts, prints its URL and the development account, and ends on SIGTERM", async () => {
    const server = await start({ DATABASE_URL: databaseUrl("new.db") });
    expect(server.output().stdout).toContain("Lockstep is ready: http://localhost:");
    expect(server.output().stdout).toContain("Sign in as john / secret (development only).");
    expect(await server.stop()).toBe(0);
  });

  it("prints each mail that development catches in one line", async () => {
    const port = await freePort();
    const server = await start({ DATABASE_URL: databaseUrl("mail.db"), PORT: String(port) });
    try {
      const body = new URLSearchParams({ username: "john", password: "secret" });
      expect((await fetch(`http://localhost:${port}/token`, { method: "POST", body })).status).toBe(200);
      await expect
        .poll(() => server.output().stdout, { timeout: inject("patienceMs") })
        .toContain(
          `Mail to john@example.com: New sign-in to your Lockstep account (http://localhost:${port}/dev/mail)\n`,
        );
    } finally {
      await server.stop();
    }
  });

  it.runIf(process.platform === "linux")("hashes passwords at a lower priority than it answers calls", async () => {
    const server = await start({ DATABASE_URL: databaseUrl("priority.db") });
    try {
      const tasks = `/proc/${server.pid}/task`;
      const isHashing = (id: string) => readFileSync(`${tasks}/${id}/comm`, "utf8").trim() === "libuv-worker";
      const hashing = readdirSync(tasks).filter(isHashing);
      expect(hashing.length).toBeGreaterThanOrEqual(4);
      for (const id of hashing) expect(getPriority(Number(id))).toBeGreaterThan(getPriority(server.pid));
    } finally {
      await server.stop();
    }
  });

  it("[S83] has no default account in production", async () => {
    const url = databaseUrl("production.db");
    const server = await start({
      DATABASE_URL: url,
      NODE_ENV: "production",
      PUBLIC_URL: "https://api.example.com",
      HOST: "127.0.0.1",
      TRUST_PROXY: "off",
      MAIL: "off",
      SHUTDOWN_DELAY_SECONDS: "0",
    });
    expect(server.output().stdout).not.toContain("john");
    expect(await server.stop()).toBe(0);
    const db = await openDatabase(url);
    expect(await db.selectFrom("users").selectAll().execute()).toEqual([]);
    await db.destroy();
  });

  it("names the settings that production requires", async () => {
    const { code, stderr, stdout } = await refusal({ NODE_ENV: "production", SECRET: "" });
    expect(code).toBe(1);
    expect(
      stderr
        .trim()
        .split("\n")
        .map((line) => line.split(":")[0]),
    ).toEqual(["PUBLIC_URL", "SECRET", "TRUST_PROXY", "MAIL_URL"]);
    expect(stdout).toBe("");
  });

  it("says that the port is in use, and what to do", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "localhost", resolve));
    const { port } = other.address() as { port: number };
    const { code, stderr } = await refusal({ DATABASE_URL: databaseUrl("port.db"), PORT: String(port) });
    expect([code, stderr]).toEqual([
      1,
      `Port ${port} is in use. Stop the program that uses it, or choose another port: PORT=${port + 1} npm start\n`,
    ]);
    await new Promise((resolve) => other.close(resolve));
  });

  it("says that the database file is not a database", async () => {
    writeFileSync(
      join(directory, "text.db"),
      "this is not a database, but text of more than one hundred bytes: ".repeat(3),
    );
    const { code, stderr } = await refusal({ DATABASE_URL: databaseUrl("text.db") });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^The database file .*text\.db cannot be opened \(file is not a database\)\. Make it .*\n$/);
  });

  it("says that the database file cannot be opened", async () => {
    const { code, stderr } = await refusal({ DATABASE_URL: `file:${directory}` });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^The database file .* cannot be opened \(.*\)\. .*\n$/);
  });

  it("says that PostgreSQL does not answer, without the password", async () => {
    const { code, stderr } = await refusal({ DATABASE_URL: "postgres://u:hidden-word@127.0.0.1:1/db" });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^PostgreSQL at postgres:\/\/u:…@127\.0\.0\.1:1\/db does not answer/);
    expect(stderr).not.toContain("hidden-word");
  });

  it("says that the database belongs to a version that is too new", async () => {
    const url = databaseUrl("newer.db");
    const db = await openDatabase(url);
    await migrateToLatest(db);
    await db
      .insertInto("kysely_migration" as never)
      .values(["9998-next", "9999-future"].map((name) => ({ name, timestamp: "2030-01-01T00:00:00.000Z" })) as never)
      .execute();
    await db.destroy();
    const { code, stderr } = await refusal({ DATABASE_URL: url });
    expect([code, stderr.split("(")[0]]).toEqual([1, "The database was made by a newer version of Lockstep "]);
  });

  it("says that the keys were encrypted under another SECRET", async () => {
    const url = databaseUrl("secret.db");
    await (await start({ DATABASE_URL: url })).stop();
    const { code, stderr } = await refusal({ DATABASE_URL: url, SECRET: `${secret}, another one` });
    expect([code, stderr.split(".")[0]]).toEqual([
      1,
      "The signing keys in the database were encrypted under another SECRET",
    ]);
  });
});
