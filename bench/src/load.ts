// Owns a round of load and what is taken from it.

import autocannon from "autocannon";

export interface Target {
  readonly name: string;
  readonly url: string;
  readonly headers?: Record<string, string>;
}

const connections = 32;
const secondsPerRound = 3;

/** Requests per second of one round; every answer must be 200. */
export const requestsPerSecond = async ({ name, url, headers = {} }: Target): Promise<number> => {
  const result = await autocannon({ url, headers, connections, duration: secondsPerRound });
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${name}: ${result.non2xx} refused, ${result.errors} failed`);
  return result.requests.average;
};

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
};
