// Owns the observation of calls: each call of an operation, over every transport, with its outcome. Without an observer,
// procedures are called as they are.

import { isOperation, type Operations } from "@lockstep/kit";
import { getTRPCErrorFromUnknown } from "@trpc/server";
import { refusalFrom } from "./errors.ts";

/** Called when a call begins. */
export type ObserveCall = (path: string) => ObservedCall;

export interface ObservedCall {
  /** Runs the procedure, or the next step of its stream. */
  within<T>(work: () => T): T;
  /** A subscription was accepted. It ends later. */
  streams(): void;
  /** @param code the contract's error code; `OK` when the call succeeded, or its stream ended */
  end(code: string): void;
}

type Procedure = (call: object) => Promise<unknown>;

/** All observers as one. `null`: there are none. */
export const observers = (all: readonly (ObserveCall | null | undefined)[]): ObserveCall | null => {
  const given = all.filter((each) => typeof each === "function");
  const [first, ...others] = given;
  if (!first || others.length === 0) return first ?? null;
  return (path) => {
    const calls = given.map((observe) => observe(path));
    return {
      within: (work) => calls.reduceRight<typeof work>((inner, call) => () => call.within(inner), work)(),
      streams: () => {
        for (const call of calls) call.streams();
      },
      end: (code) => {
        for (const call of calls) call.end(code);
      },
    };
  };
};

/** The procedures of a tree of operations, each reported to `observe`. */
export const observed = (
  operations: Operations,
  procedures: Record<string, unknown>,
  observe: ObserveCall,
  prefix = "",
): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(operations).map(([name, node]) => {
      const path = prefix + name;
      const procedure = procedures[name];
      return [
        name,
        isOperation(node)
          ? observedProcedure(procedure as Procedure, () => observe(path))
          : observed(node, procedure as Record<string, unknown>, observe, `${path}.`),
      ];
    }),
  );

/** tRPC's own properties of a procedure are those of the function. */
const observedProcedure = (procedure: Procedure, begin: () => ObservedCall): Procedure =>
  Object.assign(async (call: object) => {
    const seen = begin();
    try {
      const answer = await seen.within(() => procedure(call));
      if (!isStream(answer)) {
        seen.end("OK");
        return answer;
      }
      seen.streams();
      return observedStream(answer, seen);
    } catch (error) {
      seen.end(codeOf(error));
      throw error;
    }
  }, procedure);

async function* observedStream(events: AsyncIterable<unknown>, seen: ObservedCall) {
  let code = "OK";
  const iterator = events[Symbol.asyncIterator]();
  try {
    for (;;) {
      const step = await seen.within(() => iterator.next());
      if (step.done) return;
      yield step.value;
    }
  } catch (error) {
    code = codeOf(error);
    throw error;
  } finally {
    await iterator.return?.();
    seen.end(code);
  }
}

const codeOf = (error: unknown): string => refusalFrom(getTRPCErrorFromUnknown(error)).code;

const isStream = (answer: unknown): answer is AsyncIterable<unknown> =>
  typeof answer === "object" && answer !== null && Symbol.asyncIterator in answer;
