// What metrics, the log of requests and traces cost `user.me`, in CPU time of the server: the same server with each of them,
// in turns. CPU time, since the load uses the same cores.

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fill, newDatabase, password } from "./database.ts";
import { type Header, load } from "./load.ts";
import { pace } from "./pace.ts";
import { cpuTicks, lockstep, type Running, start } from "./processes.ts";
import { ratios, type Table } from "./report.ts";
import { createCaller, dataOf } from "./rpc.ts";

const callers = 12;
/** The same for all, so that each accepts the tokens of the first. */
const issuer = "http://localhost:3000";
/** `_SC_CLK_TCK` of Linux: 100 ticks a second. */
const microsecondsOfTick = 10_000;

/** A collector that reads what it gets, and keeps nothing. */
const startCollector = async () => {
  const server = createServer((request, response) => {
    request.resume().on("end", () => response.end("{}"));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
};

export const observability = async (): Promise<Table[]> => {
  const database = await newDatabase();
  await fill(database, callers);
  const collector = await startCollector();
  const metrics = { METRICS_TOKEN: "a-token-of-the-benchmark-with-32-characters" };
  const log = { LOG_REQUESTS: "on", LOG_LEVEL: "info" };
  const settings: readonly (readonly [name: string, env: Record<string, string>, target?: "≤ 1.03"])[] = [
    ["without any", {}],
    ["metrics", metrics],
    ["the log of requests", log],
    ["metrics and the log of requests", { ...metrics, ...log }, "≤ 1.03"],
    ["all traces", { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url }],
    [
      "a tenth of the traces",
      {
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_TRACES_SAMPLER: "traceidratio",
        OTEL_TRACES_SAMPLER_ARG: "0.1",
      },
    ],
  ];
  const running: Running[] = [];
  try {
    for (const [, env] of settings)
      running.push(await start(lockstep, { ...database.env, PUBLIC_URL: issuer, ...env }));
    const headers = await signIns(running[0]?.url ?? "");
    const costs = settings.map((): number[] => []);
    // The first round is a warm-up.
    for (let round = -1; round < pace.rounds; round++)
      for (const [n, server] of running.entries()) {
        const cost = await measure(server, headers);
        if (round >= 0) costs[n]?.push(cost);
      }
    const plain = costs[0] ?? [];
    return [
      {
        title: "user.me with metrics, logs and traces: CPU time of the server",
        figures: settings.flatMap(([name, , target], n) => [
          { name: `${name}, µs for each call`, values: costs[n] ?? [], digits: 1 },
          ...(n === 0
            ? []
            : [{ name: `${name}, ratio to none`, values: ratios(costs[n] ?? [], plain), digits: 2, target }]),
        ]),
      },
    ];
  } finally {
    await Promise.all(running.map((each) => each.stop()));
    collector.stop();
    database.remove();
  }
};

const signIns = async (url: string): Promise<Header[]> => {
  const caller = createCaller(url);
  const headers: Header[] = [];
  for (let n = 0; n < callers; n++) {
    const answer = await caller.mutate("auth.login", { username: `user-${n}`, password });
    headers.push(["authorization", `Bearer ${dataOf<{ accessToken: string }>(answer).accessToken}`]);
  }
  caller.close();
  return headers;
};

/** Microseconds of CPU for each call. */
const measure = async ({ url, child: { pid = 0 } }: Running, headers: readonly Header[]): Promise<number> => {
  const before = cpuTicks(pid);
  const { requestsPerSecond } = await load({
    name: "user.me",
    url: `${url}/trpc/user.me`,
    callers: headers,
    atOnce: callers,
  });
  const used = (cpuTicks(pid) - before) * microsecondsOfTick;
  return used / (requestsPerSecond * pace.secondsPerRound);
};
