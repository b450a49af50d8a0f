// Owns how a refused rule is reported. Absent things are `null`; anything else that is thrown is a bug.

import { type ErrorCode, type ErrorDetails, errors } from "@lockstep/contract";

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
