// Owns failed calls as the pages see them, and their texts for users.

import type { ErrorOf as ErrorIn, Unreachable } from "@lockstep/client";
import type { EngineContract, EngineErrors, PathIn, RpcErrorData } from "@lockstep/kit";
import { type ErrorWords, errorWords, type FailureWords } from "../words/errors.ts";
import { failureWords } from "../words/shared.ts";
import { useWords } from "../words/words.ts";

/** A dotted path of the engine's operations. */
export type Path = PathIn<EngineContract>;

/** The errors that a call of `P` can fail with. */
export type ErrorOf<P extends Path> = ErrorIn<P, EngineContract>;

/** The errors that any call of the engine's operations can fail with. */
export type Failure = RpcErrorData<EngineErrors> | Unreachable;

/** A failure of any operation, the app's own included. */
export interface AnyFailure {
  readonly code: string;
  readonly details: object;
}

export interface FailureText extends FailureWords {
  /** Whether the same call may succeed when it is repeated. */
  readonly passing: boolean;
  /** How long the server asked to wait before that, counted from its answer. */
  readonly waitSeconds: number | null;
}

const passing: ReadonlySet<string> = new Set<Failure["code"]>([
  "UNREACHABLE",
  "INTERNAL",
  "REQUEST_TIMEOUT",
  "CANCELLED",
  "TOO_MANY_ATTEMPTS",
  "TOO_MANY_STREAMS",
  "OVERLOADED",
  "UNAVAILABLE",
  "REAUTHENTICATION_REQUIRED",
]);

/** The texts of a failure for users. */
export const useFailureText = (failure: AnyFailure): FailureText => {
  // The type of the app's options makes sure that each of its own errors has words.
  const words: Readonly<Record<string, ErrorWords<never>>> = useWords("errors", errorWords);
  const { unknown } = useWords("failures", failureWords);
  const code = failure.code === "UNREACHABLE" && !navigator.onLine ? "OFFLINE" : failure.code;
  const said = Object.hasOwn(words, code) ? (words[code] ?? unknown) : unknown;
  // An app's own errors may have one too, of any type.
  const { retryAfterSeconds } = failure.details as { readonly retryAfterSeconds?: unknown };
  return {
    ...(typeof said === "function" ? said(failure as never) : said),
    passing: passing.has(failure.code),
    waitSeconds: typeof retryAfterSeconds === "number" ? retryAfterSeconds : null,
  };
};
