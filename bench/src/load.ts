// Owns a round of load and its measurements: by wrk if it is installed, which leaves more of the machine to the server,
// otherwise by autocannon. Every answer must have the expected status.

import { execFile, spawnSync } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import autocannon from "autocannon";
import { pace } from "./pace.ts";

export type Header = readonly [name: string, value: string];

export interface LoadTarget {
  readonly name: string;
  readonly url: string;
  /** One header for each user; requests use them in turns, so concurrent calls are of different users. Empty: no header. */
  readonly callers?: readonly Header[];
  /** Default: 200. */
  readonly status?: number;
  /** Calls at the same time. Default: `connections`. */
  readonly atOnce?: number;
}

export interface Round {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** A series of posts about several things in turn, where each request depends on the previous answer for the same thing. */
export interface Chains<T> {
  readonly name: string;
  readonly url: string;
  /** One set for each connection. */
  readonly things: readonly (readonly T[])[];
  readonly body: (thing: T) => string;
  /** Updates the thing with the answer. */
  readonly answered: (thing: T, answer: string) => void;
}

export const connections = 32;

const hasWrk = spawnSync("wrk", ["-v"], { stdio: "ignore" }).error === undefined;
export const loadGenerator = hasWrk ? "wrk" : "autocannon";

/** Measures one round of GET requests. */
export const load = async (target: LoadTarget): Promise<Round> => {
  await assertAnswers(target);
  return hasWrk ? loadByWrk(target) : loadByAutocannon(target);
};

/** Calls once for each user and checks the answer, which a load generator does not. */
const assertAnswers = async ({ name, url, callers = [], status = 200 }: LoadTarget) => {
  for (const headers of callers.length > 0 ? callers.map((header) => [[...header]] as [string, string][]) : [[]]) {
    const response = await fetch(url, { headers });
    const answer = await response.text();
    if (response.status !== status) throw new Error(`${name} was answered with ${response.status}: ${answer}`);
  }
};

const loadByWrk = async ({
  name,
  url,
  callers = [],
  status = 200,
  atOnce = connections,
}: LoadTarget): Promise<Round> => {
  const script = join(import.meta.dirname, "wrk.lua");
  const args = [
    "-t1",
    `-c${atOnce}`,
    `-d${pace.secondsPerRound}s`,
    "--timeout",
    "30s",
    "-s",
    script,
    url,
    "--",
    ...callers.map(([header, value]) => `${header}: ${value}`),
  ];
  const { stdout } = await promisify(execFile)("wrk", args);
  const report = JSON.parse(stdout.slice(stdout.lastIndexOf("\n{") + 1)) as Record<
    "requests" | "durationUs" | "refused" | "failed" | "p50Us" | "p99Us",
    number
  >;
  const { requests, refused, failed } = report;
  if (failed > 0 || refused !== (status >= 400 ? requests : 0)) {
    throw new Error(`${name}: of ${requests}, ${refused} refused, ${failed} failed`);
  }
  return {
    requestsPerSecond: requests / (report.durationUs / 1e6),
    p50Ms: report.p50Us / 1000,
    p99Ms: report.p99Us / 1000,
  };
};

const loadByAutocannon = async ({
  name,
  url,
  callers = [],
  status = 200,
  atOnce = connections,
}: LoadTarget): Promise<Round> => {
  const requests = callers.map(([header, value]) => ({ headers: { [header]: value } }));
  const result = await autocannon({ url, requests, connections: atOnce, duration: pace.secondsPerRound });
  const requestsPerSecond = rateOf(name, result, status);
  // autocannon counts whole milliseconds, too coarse for a quantile.
  return { requestsPerSecond, p50Ms: Number.NaN, p99Ms: Number.NaN };
};

/** Measures one round of a series of posts, in requests per second. */
export const chainedRequestsPerSecond = async <T>({ name, url, things, body, answered }: Chains<T>) => {
  let connection = 0;
  const result = await autocannon({
    url,
    connections: things.length,
    duration: pace.secondsPerRound,
    setupClient(client) {
      const mine = things[connection++] ?? [];
      let sent = -1;
      const current = () => mine[sent % mine.length] as T;
      client.setRequests([
        {
          method: "POST",
          headers: { "content-type": "application/json" },
          setupRequest: (request) => {
            sent++;
            return { ...request, body: body(current()) };
          },
          onResponse: (status, answer) => {
            if (status === 200) answered(current(), answer);
          },
        },
      ]);
    },
  });
  return rateOf(name, result);
};

const rateOf = (name: string, result: autocannon.Result, status = 200) => {
  const { errors, requests, non2xx } = result;
  if (errors > 0 || (status < 300 ? non2xx > 0 : result["2xx"] > 0)) {
    throw new Error(`${name}: ${result["2xx"]} answered, ${non2xx} refused, ${errors} failed`);
  }
  return requests.average;
};
