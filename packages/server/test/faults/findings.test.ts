// The checks of fault runs can fail: each detects the fault that it is for.

import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { createDomain } from "../../src/compose-domain.ts";
import { type Db, openDatabase } from "../../src/db/database.ts";
import { migrateToLatest } from "../../src/db/migrate.ts";
import { seedJohn } from "../../src/development.ts";
import { randomId } from "../../src/domain/kernel/environment.ts";
import { fixtureApp } from "../../src/fixture-app.ts";
import { startSession, testConfig, testWorld } from "../../src/testing.ts";
import { realWorld } from "../../src/world.ts";
import { engines } from "../engines.ts";
import { checkSessions, createCallers, type KnownSession } from "./callers.ts";
import { createFindings, settle } from "./findings.ts";
import { checkWrites, createWriter, createWriteTables, type WriteState } from "./writes.ts";

describe.each(engines)("the check of writes on $engine", ({ newDatabase }) => {
  const check = async (harm: (db: Db, ids: { pair: string; single: string }) => Promise<unknown>) => {
    const { url, drop } = await newDatabase();
    const db = await openDatabase(url);
    await createWriteTables(db);
    const writes = new Map<string, WriteState>();
    const { writePair, writeSingle } = createWriter(db, (id, state) => void writes.set(id, state));
    await writePair();
    await writeSingle();
    const [pair = "", single = ""] = writes.keys();
    await harm(db, { pair, single });
    const findings = createFindings(1000);
    await checkWrites(db, writes, findings);
    await db.destroy();
    await drop();
    return findings.problems.map((problem) => problem.split(":")[0]);
  };

  it("passes when all of them are complete", async () => {
    expect(await check(async () => {})).toEqual([]);
  });

  it.each<[string, string[], (db: Db, ids: { pair: string; single: string }) => Promise<unknown>]>([
    ["a lost write", ["lostWrites"], (db) => sql`delete from singles`.execute(db)],
    ["a lost transaction", ["lostWrites"], (db) => sql`delete from pair_halves`.execute(db)],
    ["half a transaction", ["halfTransactions"], (db) => sql`delete from pair_halves where half = 2`.execute(db)],
    [
      "a write that ran twice",
      ["doubleWrites"],
      (db, { single }) => sql`insert into singles values (${single})`.execute(db),
    ],
    [
      "a transaction that ran twice",
      ["doubleWrites"],
      (db, { pair }) => sql`insert into pair_halves values (${pair}, 1), (${pair}, 2)`.execute(db),
    ],
  ])("fails with %s", async (_what, expected, harm) => {
    expect(await check(harm)).toEqual(expected);
  });

  it("fails with a transaction that was stored and never committed", async () => {
    const { url, drop } = await newDatabase();
    const db = await openDatabase(url);
    await createWriteTables(db);
    await sql`insert into pair_halves values ('a', 1), ('a', 2)`.execute(db);
    const findings = createFindings(1000);
    await checkWrites(db, new Map([["a", "begun"]]), findings);
    expect(findings.report.halfTransactions).toBe(1);
    await db.destroy();
    await drop();
  });
});

describe("the check of sessions that clients know", () => {
  it.each<[string, KnownSession, object]>([
    ["a session that is gone", { generation: 0, ended: "no" }, { id: "another" }],
    ["a refresh that was lost", { generation: 5, ended: "no" }, { generation: 4 }],
    ["refreshes that nobody made", { generation: 5, ended: "no" }, { generation: 7 }],
    ["a session that goes on after its end", { generation: 0, ended: "yes" }, { generation: 0 }],
    ["a session that ended without a cause", { generation: 0, ended: "no" }, { ended_at: 1, end_reason: "reused" }],
  ])("fails with %s", async (_what, known, stored) => {
    const { url, drop } = await engines[0].newDatabase();
    const db = await openDatabase(url);
    await migrateToLatest(db);
    const domain = await createDomain(db, { app: fixtureApp, config: testConfig(url), world: testWorld(Date.now) });
    await seedJohn(domain);
    const john = await domain.users.findByLogin("john");
    const { session } = await startSession(db, domain.sessions, john?.user.id ?? "");
    const findings = createFindings(1000);
    await checkSessions(db, new Map([[session.id, { generation: 0, ended: "no" }]]), findings);
    expect(findings.problems).toEqual([]);
    await db.updateTable("sessions").set(stored).where("id", "=", session.id).execute();
    await checkSessions(db, new Map([[session.id, known]]), findings);
    expect(findings.report.lostWrites).toBe(1);
    await db.destroy();
    await drop();
  });
});

describe("callers", () => {
  /** The findings when a server answers like this. */
  const findWith = async (answer: RequestListener, { alive = true } = {}) => {
    const server = createServer(answer);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const findings = createFindings(200);
    const { useSession } = createCallers({
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      client: { id: "a", secret: null },
      findings,
      server: { up: async () => {}, isAlive: () => alive, kills: () => 0 },
    });
    await settle(useSession());
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    const { faults, hit, acknowledged, unavailable, ...mustBeNone } = findings.report;
    return Object.entries(mustBeNone).flatMap(([name, count]) => (count > 0 ? [name] : []));
  };
  const signedIn = () => {
    const refreshToken = `${randomId(realWorld.random)}.1.x`;
    return JSON.stringify({ result: { data: { sessionId: "s", accessToken: "a", refreshToken } } });
  };

  it("report a refresh token that was redeemed twice", async () => {
    expect(await findWith((_request, response) => response.end(signedIn()))).toEqual(["doubleRedemptions"]);
  });

  it("accept an outage", async () => {
    const outage = '{"error":{"data":{"code":"UNAVAILABLE"}}}';
    expect(await findWith((_request, response) => response.writeHead(503).end(outage))).toEqual([]);
  });

  it("report a call without an answer", async () => {
    expect(await findWith(() => {})).toEqual(["hangs"]);
  });

  it("report an answer that is neither a success nor an outage", async () => {
    expect(await findWith((_request, response) => response.writeHead(500).end())).toEqual(["wrongAnswers"]);
    expect(await findWith((request) => request.destroy())).toEqual(["wrongAnswers"]);
  });

  it("report a server that ended", async () => {
    expect(await findWith((request) => request.destroy(), { alive: false })).toEqual(["crashes"]);
  });
});
