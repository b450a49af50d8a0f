// Owns the observation of calls: each call of an operation, over every transport, with its outcome. Without an observer,
// procedures are called as they are.

import { isOperation, type Operations } from "@lockstep/kit";
import { getTRPCErrorFromUnknown } from "@trpc/server";
import { refusalFrom } from "./errors.ts";

/** Called when a call begins. */
export type ObserveCall = (path: string) => ObservedCall;

export interface ObservedCall {
  /** A subscription was accepted. It ends later. */
  streams(): void;
  /** @param code the contract's error code; `OK` when the call succeeded, or its stream ended */
  end(code: string): void;
}

type Procedure = (call: object) => Promise<unknown>;

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
      const answer = await procedure(call);
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
  try {
    yield* events;
  } catch (error) {
    code = codeOf(error);
    throw error;
  } finally {
    seen.end(code);
  }
}

const codeOf = (error: unknown): string => refusalFrom(getTRPCErrorFromUnknown(error)).code;

const isStream = (answer: unknown): answer is AsyncIterable<unknown> =>
  typeof answer === "object" && answer !== null && Symbol.asyncIterator in answer;
