// The findings of a fault run: what was acknowledged, and which invariants were violated.

import { setTimeout as delay } from "node:timers/promises";

/** The counts. All but the first four must be 0. */
export interface Report {
  /** How often something was cut, killed or locked. */
  faults: number;
  /** The number of connections or processes that this affected. */
  hit: number;
  acknowledged: number;
  /** Calls and transactions that failed because the database was unavailable. */
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

/** Thrown by a step of the load on an outage. The step is then repeated. */
export class Unavailable extends Error {}

export type Findings = ReturnType<typeof createFindings>;

/** `answerLimitMs`: work without an answer by then counts as hanging. */
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

    /** Resolves after this number of further acknowledgements, or of milliseconds. */
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

    /** Settles as `work` does. Work that takes too long is reported as a hang, and abandoned. */
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

/** `null`: there was an outage. */
export const settle = async <T>(work: Promise<T>): Promise<T | null> =>
  work.catch((error) => {
    if (error instanceof Unavailable) return null;
    throw error;
  });
