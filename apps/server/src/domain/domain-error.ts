// Owns how a refused rule is reported. Absent things are `null`; a dependency that is down is `UNAVAILABLE`; anything
// else that is thrown is a bug.

import { type ErrorCode, type ErrorDetails, errors, notPlainText } from "@lockstep/contract";
import { DatabaseUnavailableError } from "../db/unavailable.ts";
import { UnstorableTextError } from "../db/unstorable-text.ts";

type DetailsArgument<C extends ErrorCode> =
  Record<string, never> extends ErrorDetails<C> ? [details?: ErrorDetails<C>] : [details: ErrorDetails<C>];

/** A rule said no: a code from the contract, with what the caller may know about it. */
export class DomainError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = "DomainError";
  readonly code: C;
  readonly details: ErrorDetails<C>;

  constructor(code: C, ...[details]: DetailsArgument<C>) {
    super(errors[code].message);
    this.code = code;
    this.details = details ?? ({} as ErrorDetails<C>);
  }
}

/** What a thrown error may be answered with. `null`: it is a bug, which a caller learns nothing about. */
export const refusalOf = (error: unknown): DomainError | null => {
  for (let each = error; each instanceof Error; each = each.cause) {
    if (each instanceof DomainError) return each;
    if (each instanceof DatabaseUnavailableError)
      return new DomainError("UNAVAILABLE", { retryAfterSeconds: each.retryAfterSeconds }) as DomainError;
    if (each instanceof UnstorableTextError)
      return new DomainError("INVALID_INPUT", { issues: [{ path: [], message: notPlainText }] }) as DomainError;
  }
  return null;
};
