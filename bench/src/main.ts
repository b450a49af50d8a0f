// `pnpm bench`: what a call costs beside what the web server alone costs, in one run on one machine. The
// ratios count; absolute figures are this machine's at this moment.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@lockstep/client";
import { median, requestsPerSecond, type Target } from "./load.ts";
import { bareFastify, lockstep, start } from "./processes.ts";

const rounds = 5;
const directory = mkdtempSync(join(tmpdir(), "lockstep-bench-"));
const env = {
  DATABASE_URL: `file:${join(directory, "bench.db")}`,
  SECRET: "a secret of the benchmark, of thirty-two characters and more",
};
const print = (line: string) => process.stdout.write(`${line}\n`);

try {
  await (await start(lockstep, env)).stop();

  const starts: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const server = await start(lockstep, env);
    starts.push(server.startMs);
    await server.stop();
  }

  const [server, bare] = await Promise.all([start(lockstep, env), start(bareFastify, {})]);
  try {
    const idleBytes = server.residentBytes();
    const login = await createClient({ url: server.url }).auth.login.mutate({ username: "john", password: "secret" });
    const call: Target = {
      name: "user.me over RPC",
      url: `${server.url}/trpc/user.me`,
      headers: { authorization: `Bearer ${login.accessToken}` },
    };
    const limit: Target = { name: "bare Fastify JSON", url: `${bare.url}/me` };

    const rates = { call: [] as number[], limit: [] as number[] };
    for (let round = 0; round < rounds; round++) {
      rates.call.push(await requestsPerSecond(call));
      rates.limit.push(await requestsPerSecond(limit));
    }
    const ratios = rates.call.map((rate, round) => rate / (rates.limit[round] ?? Number.NaN));

    print("| what | median | range |");
    print("|---|---|---|");
    print(row("user.me over RPC, requests/s", rates.call, 0));
    print(row("bare Fastify JSON, requests/s", rates.limit, 0));
    print(row("ratio", ratios, 3));
    print(row("start to first answer, ms", starts, 0));
    print(row("resident memory at rest, MB", [idleBytes / 1e6], 0));
    print(row("resident memory after load, MB", [server.residentBytes() / 1e6], 0));
  } finally {
    await Promise.all([server.stop(), bare.stop()]);
  }
} finally {
  rmSync(directory, { recursive: true });
}

function row(name: string, values: readonly number[], digits: number) {
  const [low, high] = [Math.min(...values), Math.max(...values)].map((value) => value.toFixed(digits));
  return `| ${name} | ${median(values).toFixed(digits)} | ${low}–${high} |`;
}
