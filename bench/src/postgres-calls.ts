// The cost of user.me on PostgreSQL, compared with the driver alone for the same query.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@lockstep/client";
import { password, secret } from "./database.ts";
import { connections, type Header, load } from "./load.ts";
import { pace } from "./pace.ts";
import { startPostgres } from "./postgres.ts";
import { barePostgres, lockstep, type Running, start } from "./processes.ts";
import { ratios, type Table } from "./report.ts";

export const postgresCalls = async (): Promise<Table[]> => {
  const directory = mkdtempSync(join(tmpdir(), "lockstep-bench-"));
  const postgres = await startPostgres(directory);
  const running: Running[] = [];
  try {
    const server = await start(lockstep, { DATABASE_URL: postgres.url, SECRET: secret });
    running.push(server);
    const bare = await start(barePostgres, { DATABASE_URL: postgres.url });
    running.push(bare);
    return [await measure(server.url, bare.url)];
  } finally {
    await Promise.all(running.map((each) => each.stop()));
    await postgres.stop();
    rmSync(directory, { recursive: true });
  }
};

/** How many sessions the calls use in turns. */
const sessions = 8;

const measure = async (url: string, bareUrl: string): Promise<Table> => {
  const client = createClient({ url });
  const callers: Header[] = [];
  const ids: string[] = [];
  for (let n = 0; n < sessions; n++) {
    const answer = await client.auth.login.mutate({ username: "john", password });
    if (answer.status !== "signed_in") throw new Error("The sign-in is not complete");
    const { accessToken } = answer;
    callers.push(["authorization", `Bearer ${accessToken}`]);
    ids.push(sessionOf(accessToken));
  }
  const asked = new URLSearchParams({
    ids: ids.join(),
    seconds: String(pace.secondsPerRound),
    atOnce: String(connections),
  });
  const rates = { call: [] as number[], route: [] as number[], driver: [] as number[] };
  for (let round = 0; round < pace.rounds; round++) {
    const call = { name: "user.me", url: `${url}/trpc/user.me`, callers };
    rates.call.push((await load(call)).requestsPerSecond);
    const bareCallers = ids.map((id): Header => ["session", id]);
    const route = { name: "bare Fastify with the query", url: `${bareUrl}/session`, callers: bareCallers };
    rates.route.push((await load(route)).requestsPerSecond);
    rates.driver.push((await (await fetch(`${bareUrl}/rate?${asked}`)).json()) as number);
  }
  return {
    title: "user.me on PostgreSQL",
    figures: [
      { name: "user.me over RPC, calls/s", values: rates.call },
      { name: "the same query behind a bare Fastify route, calls/s", values: rates.route },
      { name: "the same query through `pg` alone, per second", values: rates.driver },
      { name: "ratio to the bare route", values: ratios(rates.call, rates.route), digits: 2 },
      { name: "ratio to `pg` alone", values: ratios(rates.call, rates.driver), digits: 2, target: "≥ 0.7" },
    ],
  };
};

const sessionOf = (accessToken: string) => {
  const claims = Buffer.from(accessToken.split(".")[1] ?? "", "base64url").toString();
  return (JSON.parse(claims) as { sid: string }).sid;
};
