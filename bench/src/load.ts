// Owns a round of load and what is taken from it: by wrk when it is there, which leaves more of the machine to the
// server, else by autocannon. Every answer must have the status that is expected.

import { execFile, spawnSync } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import autocannon from "autocannon";
import { pace } from "./pace.ts";

export type Header = readonly [name: string, value: string];

export interface LoadTarget {
  readonly name: string;
  readonly url: string;
  /** A header of each caller, whose requests take turns: no two of a moment are the same person's. None: nobody's. */
  readonly callers?: readonly Header[];
  /** 200 unless given. */
  readonly status?: number;
}

export interface Round {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Things that are posted about in turn: what is sent for one follows from what was answered for it before. */
export interface Chains<T> {
  readonly name: string;
  readonly url: string;
  /** For each connection its own. */
  readonly things: readonly (readonly T[])[];
  readonly body: (thing: T) => string;
  /** Takes the answer into account. */
  readonly answered: (thing: T, answer: string) => void;
}

export const connections = 32;

const hasWrk = spawnSync("wrk", ["-v"], { stdio: "ignore" }).error === undefined;
export const loadGenerator = hasWrk ? "wrk" : "autocannon";

/** One round of gets. */
export const load = async (target: LoadTarget): Promise<Round> => {
  await assertAnswers(target);
  return hasWrk ? loadByWrk(target) : loadByAutocannon(target);
};

/** One call of each caller first, looked at more closely than a load generator does. */
const assertAnswers = async ({ name, url, callers = [], status = 200 }: LoadTarget) => {
  for (const headers of callers.length > 0 ? callers.map((header) => [[...header]] as [string, string][]) : [[]]) {
    const response = await fetch(url, { headers });
    const answer = await response.text();
    if (response.status !== status) throw new Error(`${name} was answered ${response.status}: ${answer}`);
  }
};

const loadByWrk = async ({ name, url, callers = [], status = 200 }: LoadTarget): Promise<Round> => {
  const script = join(import.meta.dirname, "wrk.lua");
  const args = [
    "-t1",
    `-c${connections}`,
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
  const told = JSON.parse(stdout.slice(stdout.lastIndexOf("\n{") + 1)) as Record<
    "requests" | "durationUs" | "refused" | "failed" | "p50Us" | "p99Us",
    number
  >;
  const { requests, refused, failed } = told;
  if (failed > 0 || refused !== (status >= 400 ? requests : 0)) {
    throw new Error(`${name}: of ${requests}, ${refused} refused, ${failed} failed`);
  }
  return {
    requestsPerSecond: requests / (told.durationUs / 1e6),
    p50Ms: told.p50Us / 1000,
    p99Ms: told.p99Us / 1000,
  };
};

const loadByAutocannon = async ({ name, url, callers = [], status = 200 }: LoadTarget): Promise<Round> => {
  const requests = callers.map(([header, value]) => ({ headers: { [header]: value } }));
  const result = await autocannon({ url, requests, connections, duration: pace.secondsPerRound });
  const requestsPerSecond = rateOf(name, result, status);
  // It counts whole milliseconds, too coarse for a quantile.
  return { requestsPerSecond, p50Ms: Number.NaN, p99Ms: Number.NaN };
};

/** Requests per second of one round, of posts that follow from one another. */
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
