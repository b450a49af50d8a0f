// What a call costs beside what the web server alone costs; how long a start takes, and how much memory.

import { createClient } from "@lockstep/client";
import { type BenchDatabase, newDatabase, password } from "./database.ts";
import { requestsPerSecond, type Target } from "./load.ts";
import { bareFastify, lockstep, start } from "./processes.ts";
import { printTable, ratios } from "./report.ts";

const rounds = 5;

export const calls = async () => {
  const database = await newDatabase();
  try {
    await measure(database);
  } finally {
    database.remove();
  }
};

const measure = async ({ env }: BenchDatabase) => {
  const starts: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const server = await start(lockstep, env);
    starts.push(server.startMs);
    await server.stop();
  }

  const [server, bare] = await Promise.all([start(lockstep, env), start(bareFastify, {})]);
  try {
    const idleBytes = server.residentBytes();
    const login = await createClient({ url: server.url }).auth.login.mutate({ username: "john", password });
    const call: Target = {
      name: "user.me over RPC",
      url: `${server.url}/trpc/user.me`,
      headers: { authorization: `Bearer ${login.accessToken}` },
    };
    const rest: Target = { name: "user.me over REST", url: `${server.url}/users/me`, headers: call.headers ?? {} };
    const limit: Target = { name: "bare Fastify JSON", url: `${bare.url}/me` };

    const rates = { call: [] as number[], rest: [] as number[], limit: [] as number[] };
    for (let round = 0; round < rounds; round++) {
      rates.call.push(await requestsPerSecond(call));
      rates.rest.push(await requestsPerSecond(rest));
      rates.limit.push(await requestsPerSecond(limit));
    }
    printTable("A call", [
      { name: "user.me over RPC, requests/s", values: rates.call },
      { name: "bare Fastify JSON, requests/s", values: rates.limit },
      { name: "RPC, ratio to bare Fastify", values: ratios(rates.call, rates.limit), digits: 3 },
      { name: "user.me over REST, requests/s", values: rates.rest },
      { name: "REST, ratio to RPC", values: ratios(rates.rest, rates.call), digits: 2, target: "≥ 0.9" },
      { name: "start to first answer, ms", values: starts },
      { name: "resident memory at rest, MB", values: [idleBytes / 1e6] },
      { name: "resident memory after load, MB", values: [server.residentBytes() / 1e6] },
    ]);
  } finally {
    await Promise.all([server.stop(), bare.stop()]);
  }
};
