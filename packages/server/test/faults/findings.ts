// What a fault run found: what was acknowledged, and which of the things that must hold did not.

import { setTimeout as delay } from "node:timers/promises";

/** What happened. All but the first four must be 0. */
export interface Report {
  /** How often something was cut, killed or locked. */
  faults: number;
  /** What that hit: connections, processes. */
  hit: number;
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

export type Finding = Exclude<keyof Report, "faults" | "hit" | "acknowledged" | "unavailable">;

/** Thrown by a step of the load that was told of an outage; the step begins anew. */
export class Unavailable extends Error {}

export type Findings = ReturnType<typeof createFindings>;

/** `answerLimitMs`: what has no answer by then hangs. */
export const createFindings = (answerLimitMs: number) => {
  const report: Report = {
    faults: 0,
    hit: 0,
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
  let onAcknowledged = () => {};
  const found = (finding: Finding, what: string) => {
    report[finding]++;
    problems.push(`${finding}: ${what}`);
  };
  return {
    report,
    problems: problems as readonly string[],
    found,

    acknowledge() {
      report.acknowledged++;
      onAcknowledged();
    },

    /** Resolves after so many acknowledgements from now, or after so many milliseconds. */
    async progress(acknowledgements: number, mostMs: number): Promise<void> {
      const enough = Promise.withResolvers<void>();
      let left = acknowledgements;
      onAcknowledged = () => {
        if (left-- <= 0) enough.resolve();
      };
      const giveUp = new AbortController();
      const wait = delay(mostMs, undefined, { signal: giveUp.signal }).catch(() => {});
      await Promise.race([enough.promise, wait]);
      giveUp.abort();
      onAcknowledged = () => {};
    },

    /** Settles as `work` does; one that takes too long is a hang, and is given up. */
    async within<T>(name: string, work: Promise<T>): Promise<T> {
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
    },
  };
};

/** `null`: it was told of an outage. */
export const settle = async <T>(work: Promise<T>): Promise<T | null> =>
  work.catch((error) => {
    if (error instanceof Unavailable) return null;
    throw error;
  });
