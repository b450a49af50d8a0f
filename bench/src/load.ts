// Owns a round of load and what is taken from it. Every answer must be 200.

import autocannon from "autocannon";

export interface Target {
  readonly name: string;
  readonly url: string;
  readonly headers?: Record<string, string>;
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
const secondsPerRound = 3;

/** Requests per second of one round. */
export const requestsPerSecond = async ({ name, url, headers = {} }: Target): Promise<number> =>
  rateOf(name, await autocannon({ url, headers, connections, duration: secondsPerRound }));

/** Requests per second of one round, of posts that follow from one another. */
export const chainedRequestsPerSecond = async <T>({ name, url, things, body, answered }: Chains<T>) => {
  let connection = 0;
  const result = await autocannon({
    url,
    connections: things.length,
    duration: secondsPerRound,
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

const rateOf = (name: string, { non2xx, errors, requests }: autocannon.Result) => {
  if (non2xx > 0 || errors > 0) throw new Error(`${name}: ${non2xx} refused, ${errors} failed`);
  return requests.average;
};
