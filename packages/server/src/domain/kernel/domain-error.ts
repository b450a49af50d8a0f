// Owns how a refused rule is reported. Absent things are `null`. A dependency that is down is `UNAVAILABLE`. Anything
// else that is thrown is a bug.

import {
  type EngineErrorCode,
  type ErrorDeclaration,
  type ErrorDetails,
  engineErrors,
  notPlainText,
} from "@lockstep/kit";
import { DatabaseUnavailableError } from "../../db/unavailable.ts";
import { UnstorableTextError } from "../../db/unstorable-text.ts";

type DetailsArgument<C extends EngineErrorCode> =
  Record<string, never> extends ErrorDetails<C> ? [details?: ErrorDetails<C>] : [details: ErrorDetails<C>];

/** A refused rule: a code of the contract, with the details that the caller may see. */
export class RefusedError extends Error {
  readonly code: string;
  readonly status: ErrorDeclaration["status"];
  readonly details: unknown;

  constructor(code: string, { status, message }: Pick<ErrorDeclaration, "status" | "message">, details: unknown) {
    super(message);
    this.name = "RefusedError";
    this.code = code;
    this.status = status;
    this.details = details;
  }
}

/** A refused rule of the engine. */
export class DomainError<C extends EngineErrorCode = EngineErrorCode> extends RefusedError {
  declare readonly code: C;
  declare readonly details: ErrorDetails<C>;

  constructor(code: C, ...[details]: DetailsArgument<C>) {
    super(code, engineErrors[code], details ?? {});
    this.name = "DomainError";
  }
}

/** The refusal that a thrown error stands for. `null`: it is a bug, and the caller learns nothing about it. */
export const refusalOf = (error: unknown): RefusedError | null => {
  for (let each = error; each instanceof Error; each = each.cause) {
    if (each instanceof RefusedError) return each;
    if (each instanceof DatabaseUnavailableError)
      return new DomainError("UNAVAILABLE", { retryAfterSeconds: each.retryAfterSeconds });
    if (each instanceof UnstorableTextError)
      return new DomainError("INVALID_INPUT", { issues: [{ path: [], message: notPlainText }] });
  }
  return null;
};
