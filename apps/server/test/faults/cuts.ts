// Cuts PostgreSQL's connections under load, and checks what must hold whatever is cut: every acknowledged write is there,
// no half transaction, no code or refresh token redeemed twice, no call without an answer, the process alive.
//
// The load is a real server in a process of its own, called over HTTP, and transactions through the driver in this one.
// What was not acknowledged may have happened or not: the answer to a `commit` can be lost like any other.

import { randomInt, randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { sql } from "kysely";
import { type Db, openDatabase } from "../../src/db/database.ts";
import { seedJohn } from "../../src/development.ts";
import { basic, callback, freePort, openBrowser, photoApp } from "../../src/oauth/testing.ts";
import { createDomain } from "../../src/server.ts";
import { testConfig, testSource, testWorld } from "../../src/testing.ts";
import { prepareServer, spawnServer } from "../servers.ts";
import { startCluster } from "./cluster.ts";

export interface CutsOptions {
  readonly poolSize: number;
  /** Ends after so many cuts, or when the time is over, whichever comes first. */
  readonly cuts: number;
  readonly minutes?: number;
  /** A call that has no answer by then hangs. */
  readonly answerLimitMs?: number;
}

/** What happened. All but the first four must be 0. */
export interface CutsReport {
  cuts: number;
  connectionsCut: number;
  acknowledged: number;
  /** Calls and transactions that were told that the database was unavailable. */
  unavailable: number;
  crashes: number;
  hangs: number;
  halfTransactions: number;
  lostWrites: number;
  doubleWrites: number;
  doubleRedemptions: number;
  /** Answers that are neither a success nor an outage. */
  wrongAnswers: number;
}

/** One cut follows fewer acknowledged writes than this, and at most so many milliseconds, and then a moment more. */
const maxWritesBetweenCuts = 12;
const maxMsBetweenCuts = 300;
const maxMomentMs = 6;
/** Fewer than a session may do within the grace window, so that each one makes a new generation. */
const refreshesPerSession = 8;
/** How often each kind of write is tried after the last cut, until one succeeds. */
const recoveryTries = 50;

/** Thrown by a step of the load that was told of an outage; the step begins anew. */
class Unavailable extends Error {}

export const runCuts = async ({
  poolSize,
  cuts,
  minutes = Number.POSITIVE_INFINITY,
  answerLimitMs = 5000,
}: CutsOptions): Promise<{ report: CutsReport; problems: readonly string[] }> => {
  await using cluster = await startCluster();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const settings = { publicUrl: url, port, poolSize };
  await using server = await spawnServer(cluster.url, prepareServer(), settings);
  await using db = await openDatabase(cluster.url, { poolSize });
  const config = { ...testConfig(cluster.url), publicUrl: url };
  const domain = await createDomain(db, { config, world: testWorld(Date.now) });
  await seedJohn(domain);
  const client = await domain.applications.register(photoApp, "operator", testSource);
  // Without unique keys: a statement that ran twice must be seen.
  await sql`create table pair_halves (pair text, half int)`.execute(db);
  await sql`create table singles (id text)`.execute(db);
  const administrator = await cluster.connect();

  const report: CutsReport = {
    cuts: 0,
    connectionsCut: 0,
    acknowledged: 0,
    unavailable: 0,
    crashes: 0,
    hangs: 0,
    halfTransactions: 0,
    lostWrites: 0,
    doubleWrites: 0,
    doubleRedemptions: 0,
    wrongAnswers: 0,
  };
  const problems: string[] = [];
  type Fault = Exclude<keyof CutsReport, "cuts" | "connectionsCut" | "acknowledged" | "unavailable">;
  const found = (fault: Fault, what: string) => {
    report[fault]++;
    problems.push(`${fault}: ${what}`);
  };
  let onAcknowledged = () => {};
  const acknowledge = () => {
    report.acknowledged++;
    onAcknowledged();
  };

  /** Settles as `work` does; one that takes too long is a hang, and is given up. */
  const within = async <T>(name: string, work: Promise<T>): Promise<T> => {
    const giveUp = new AbortController();
    const late = delay(answerLimitMs, undefined, { signal: giveUp.signal, ref: false }).then(() => {
      found("hangs", name);
      throw new Unavailable();
    });
    late.catch(() => {});
    try {
      return await Promise.race([work, late]);
    } finally {
      giveUp.abort();
    }
  };

  /** What an HTTP call was answered; `Unavailable` for 503, a problem for a status that is not expected. */
  const send = async (name: string, call: () => Promise<Response>, ...expected: number[]): Promise<Response> => {
    const response = await within(name, call()).catch((error: unknown) => {
      if (error instanceof Unavailable) throw error;
      found(server.isAlive() ? "wrongAnswers" : "crashes", `${name} got no answer: ${error}`);
      throw new Unavailable();
    });
    if (expected.includes(response.status)) return response;
    const text = await within(name, response.text());
    // 429: tries whose outcome nobody learned stay counted for a while.
    if (response.status === 429) throw new Unavailable();
    if (response.status === 503 && /UNAVAILABLE|temporarily_unavailable/.test(text)) report.unavailable++;
    else found("wrongAnswers", `${name} was answered ${response.status}: ${text.slice(0, 300)}`);
    throw new Unavailable();
  };
  const rpc = async <T = Record<string, string>>(path: string, input: unknown, token?: string): Promise<T> => {
    const response = await send(
      path,
      () =>
        fetch(`${url}/trpc/${path}`, {
          method: "POST",
          headers: { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) },
          body: input === undefined ? "" : JSON.stringify(input),
        }),
      200,
    );
    return ((await response.json()) as { result: { data: T } }).result.data;
  };
  const token = (name: string, form: Record<string, string>) => {
    const headers = basic(client.application.id, client.secret);
    const body = new URLSearchParams(form);
    return send(name, () => fetch(`${url}/token`, { method: "POST", headers, body }), 200, 400);
  };
  const settle = async <T>(work: Promise<T>): Promise<T | null> =>
    work.catch((error) => {
      if (error instanceof Unavailable) return null;
      throw error;
    });

  /** What of a transaction or of a single write must be there. */
  const writes = new Map<string, "acknowledged" | "refused" | "unknown">();

  /** The driver's own failure of a write: an outage, or a problem. */
  const failed = (name: string, error: unknown): never => {
    if ((error as Error).name === "DatabaseUnavailableError") report.unavailable++;
    else if (!(error instanceof Unavailable)) found("wrongAnswers", `${name} failed: ${error}`);
    throw new Unavailable();
  };

  const writePair = async () => {
    const pair = randomUUID();
    writes.set(pair, "refused");
    const transaction = db.transaction().execute(async (transaction) => {
      await sql`insert into pair_halves values (${pair}, 1)`.execute(transaction);
      await delay(randomInt(3));
      await sql`insert into pair_halves values (${pair}, 2)`.execute(transaction);
      writes.set(pair, "unknown");
    });
    await within("a transaction", transaction).catch((error) => failed("a transaction", error));
    writes.set(pair, "acknowledged");
    acknowledge();
  };

  const writeSingle = async () => {
    const id = randomUUID();
    writes.set(id, "unknown");
    await within("a write", sql`insert into singles values (${id})`.execute(db)).catch((error) =>
      failed("a write", error),
    );
    writes.set(id, "acknowledged");
    acknowledge();
  };

  /** What a client knows of its session. */
  const sessions = new Map<string, { generation: number; ended: "no" | "asked" | "yes" }>();

  const useSession = async () => {
    const signedIn = await rpc("auth.login", { username: "john", password: "secret" });
    const { sessionId = "", accessToken } = signedIn;
    let { refreshToken = "" } = signedIn;
    const session: { generation: number; ended: "no" | "asked" | "yes" } = { generation: 0, ended: "no" };
    sessions.set(sessionId, session);
    acknowledge();
    for (let n = 0; n < refreshesPerSession; n++) {
      const successors = new Set<string>();
      // As two tabs do it.
      const once = async () => {
        const answer = await settle(rpc("auth.refresh", { refreshToken }));
        if (answer?.["refreshToken"]) successors.add(answer["refreshToken"]);
      };
      await Promise.all([once(), once()]);
      if (successors.size > 1) found("doubleRedemptions", `a session's refresh token gave ${successors.size}`);
      const [successor] = successors;
      if (successor === undefined) continue;
      refreshToken = successor;
      session.generation = Number(successor.split(".")[1]);
      acknowledge();
    }
    session.ended = "asked";
    await rpc("auth.logout", undefined, accessToken);
    session.ended = "yes";
    acknowledge();
  };

  /** A whole authorization code flow, its code and its refresh token each redeemed by two at once. */
  const connectClient = async () => {
    const browser = openBrowser({ url });
    const page = async (name: string, target: string | URL) => {
      let response: Response | undefined;
      let at = new URL(target, url);
      for (;;) {
        response = await send(name, () => browser.go(at), 200, 302, 303);
        const location = response.headers.get("location");
        if (location === null) throw new Error(`${name} ended at a page, ${at}`);
        at = new URL(location, at);
        if (at.origin !== url || at.pathname.startsWith("/interaction/")) return at;
      }
    };
    const signedIn = await send(
      "auth.login",
      () =>
        browser.go("/trpc/auth.login", {
          method: "POST",
          headers: { "content-type": "application/json", "sec-fetch-site": "same-origin" },
          body: JSON.stringify({ username: "john", password: "secret", transport: "cookie" }),
        }),
      200,
    );
    const { accessToken } = ((await signedIn.json()) as { result: { data: { accessToken: string } } }).result.data;
    const verifier = "v".repeat(43);
    const query = new URLSearchParams({
      client_id: client.application.id,
      redirect_uri: callback,
      response_type: "code",
      scope: "openid profile:read offline_access",
      state: "s",
      code_challenge: Buffer.from(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))).toString(
        "base64url",
      ),
      code_challenge_method: "S256",
    });
    let at = await page("/authorize", `/authorize?${query}`);
    if (at.pathname.startsWith("/interaction/")) {
      const approved = await send(
        "authorization.approve",
        () =>
          browser.go("/trpc/authorization.approve", {
            method: "POST",
            headers: {
              "content-type": "application/json",
              "sec-fetch-site": "same-origin",
              authorization: `Bearer ${accessToken}`,
            },
            body: JSON.stringify({ authorizationId: browser.authorizationId(at) }),
          }),
        200,
      );
      const { redirectTo } = ((await approved.json()) as { result: { data: { redirectTo: string } } }).result.data;
      at = await page("the return to /authorize", redirectTo);
    }
    const code = at.searchParams.get("code");
    if (code === null) {
      if (at.searchParams.get("error") === "temporarily_unavailable") report.unavailable++;
      else found("wrongAnswers", `/authorize sent the browser to ${at}`);
      throw new Unavailable();
    }
    acknowledge();
    const exchange = { grant_type: "authorization_code", code, redirect_uri: callback, code_verifier: verifier };
    const tokens = await redeemTwice("a code", exchange);
    if (tokens.length > 1) found("doubleRedemptions", "a code was redeemed twice");
    const refreshToken = tokens[0]?.["refresh_token"];
    if (!refreshToken) return;
    const refreshed = await redeemTwice("a refresh token", {
      grant_type: "refresh_token",
      refresh_token: refreshToken,
    });
    const successors = new Set(refreshed.map((each) => each["refresh_token"]));
    if (successors.size > 1) found("doubleRedemptions", `a client's refresh token gave ${successors.size}`);
  };

  const redeemTwice = async (name: string, form: Record<string, string>): Promise<Record<string, string>[]> => {
    const answers: Record<string, string>[] = [];
    const once = async () => {
      const answer = await settle(token(name, form));
      const body = (await answer?.json()) as Record<string, string> | undefined;
      if (answer?.status === 200 && body) answers.push(body);
      else if (body && body["error"] !== "invalid_grant")
        found("wrongAnswers", `${name} was answered ${JSON.stringify(body)}`);
    };
    await Promise.all([once(), once()]);
    // A client that heard of an outage tries again.
    if (answers.length === 0) await once();
    if (answers.length > 0) acknowledge();
    return answers;
  };

  const kinds = { writePair, writeSingle, useSession, connectClient };
  let over = false;
  const goOn = async (step: () => Promise<void>) => {
    while (!over && server.isAlive()) await settle(step());
  };

  const cut = async () => {
    const endsAt = performance.now() + minutes * 60_000;
    while (report.cuts < cuts && performance.now() < endsAt && server.isAlive()) {
      const enough = Promise.withResolvers<void>();
      let left = randomInt(maxWritesBetweenCuts);
      onAcknowledged = () => {
        if (left-- === 0) enough.resolve();
      };
      const giveUp = new AbortController();
      const wait = delay(maxMsBetweenCuts, undefined, { signal: giveUp.signal }).catch(() => {});
      await Promise.race([enough.promise, wait]);
      giveUp.abort();
      await delay(randomInt(maxMomentMs));
      const { rows } = await administrator.query<{ pid: number }>(
        "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'",
      );
      report.cuts++;
      report.connectionsCut += rows.length;
      // Tries that were cut stay counted: right, and not what this is about.
      await administrator.query("delete from throttles");
    }
    over = true;
  };

  await Promise.all([
    cut(),
    ...[writePair, writePair, writePair, writeSingle, writeSingle, useSession, useSession, connectClient].map(goOn),
  ]);
  // It recovers by itself.
  for (const [name, step] of Object.entries(kinds)) {
    const before = report.acknowledged;
    for (let n = 0; n < recoveryTries && report.acknowledged === before; n++) await settle(step());
    if (report.acknowledged === before) found("lostWrites", `${name} does not work any more`);
  }
  if (!server.isAlive()) found("crashes", "the server ended");
  await administrator.end();
  await checkWrites(db, writes, found);
  await checkSessions(db, sessions, found);
  return { report, problems };
};

type Found = (fault: "halfTransactions" | "lostWrites" | "doubleWrites", what: string) => void;

const checkWrites = async (
  db: Db,
  writes: ReadonlyMap<string, "acknowledged" | "refused" | "unknown">,
  found: Found,
) => {
  const { rows } = await sql<{ id: string; halves: string; count: number }>`
    select pair as id, string_agg(half::text, '' order by half) as halves, 2 as count from pair_halves group by pair
    union all select id, '', count(*) from singles group by id`.execute(db);
  const stored = new Map(rows.map((row) => [row.id, row]));
  for (const row of rows) {
    if (row.halves !== "" && row.halves !== "12") found("halfTransactions", `${row.id} has ${row.halves}`);
    if (row.halves === "" && Number(row.count) > 1) found("doubleWrites", `${row.id} was written ${row.count} times`);
    if (writes.get(row.id) === "refused") found("halfTransactions", `${row.id} is there, and was not committed`);
  }
  for (const [id, state] of writes) {
    if (state === "acknowledged" && !stored.has(id)) found("lostWrites", `${id} is gone`);
  }
};

const checkSessions = async (
  db: Db,
  sessions: ReadonlyMap<string, { generation: number; ended: "no" | "asked" | "yes" }>,
  found: Found,
) => {
  const rows = await db.selectFrom("sessions").select(["id", "generation", "ended_at", "end_reason"]).execute();
  const stored = new Map(rows.map((row) => [row.id, row]));
  for (const [id, { generation, ended }] of sessions) {
    const row = stored.get(id);
    if (!row) found("lostWrites", `session ${id} is gone`);
    // One more at the most: a refresh whose answer was lost, which the next one was given again.
    else if (row.generation < generation || row.generation > generation + 1)
      found("lostWrites", `session ${id} is at ${row.generation}, and its client at ${generation}`);
    else if (ended === "yes" && row.end_reason !== "signed_out") found("lostWrites", `session ${id} goes on`);
    else if (ended === "no" && row.ended_at !== null) found("lostWrites", `session ${id} ended: ${row.end_reason}`);
  }
};
