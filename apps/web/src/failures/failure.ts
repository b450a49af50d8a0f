// Owns what a person is told when a call failed. A code that is new in the contract does not compile here
// until it has its words.

import type { Contract } from "@app/contract";
import { type ErrorOf as ErrorIn, errorReader, type Unreachable } from "@lockstep/client";
import { engineErrors as errors, type PathIn, type RpcErrorData } from "@lockstep/kit";

/** A dotted path of the contract. */
export type Path = PathIn<Contract>;

/** What a call of `P` can fail with. */
export type ErrorOf<P extends Path> = ErrorIn<P, Contract>;

export const errorOf = errorReader<Contract>();

/** What any call can fail with. */
export type Failure = RpcErrorData<Contract["errors"]> | Unreachable;

/**
 * What a call of `path` failed with.
 * @throws what is not the failure of such a call: a bug of this app.
 */
export const readFailure = <P extends Path>(path: P, error: unknown): ErrorOf<P> => {
  const failure = errorOf(path, error);
  if (!failure) throw error;
  return failure;
};

export interface FailureText {
  readonly title: string;
  readonly text: string;
  /** Whether the same call may well succeed when it is made again. */
  readonly passing: boolean;
  /** How long the server asked to wait before that, from when it answered. */
  readonly waitSeconds?: number;
}

export const textOf = (failure: Failure): FailureText => {
  switch (failure.code) {
    case "UNREACHABLE":
      return navigator.onLine
        ? {
            title: "The server cannot be reached",
            text: "It gave no answer that this app could read. It may be restarting: try again in a moment.",
            passing: true,
          }
        : {
            title: "You are offline",
            text: "This needs the server. Connect to a network, then try again.",
            passing: true,
          };
    case "INTERNAL":
      return {
        title: errors.INTERNAL.message,
        text: `Try again in a moment. If it keeps happening, report it with this reference: ${failure.requestId}`,
        passing: true,
      };
    case "REQUEST_TIMEOUT":
    case "CANCELLED":
      return { title: "This was interrupted", text: "The request was cut off before it was answered.", passing: true };
    case "INVALID_INPUT":
      return {
        title: errors.INVALID_INPUT.message,
        text: failure.details.issues.map((issue) => issue.message).join(" "),
        passing: false,
      };
    case "MALFORMED_REQUEST":
    case "OPERATION_NOT_FOUND":
    case "METHOD_NOT_ALLOWED":
    case "PAYLOAD_TOO_LARGE":
    case "HEADERS_TOO_LARGE":
    case "UNSUPPORTED_MEDIA_TYPE":
    case "AMBIGUOUS_TOKEN":
    case "INVALID_DPOP_PROOF":
    case "DPOP_NONCE_NEEDED":
      return {
        title: "This page and the server do not fit together",
        text: `${errors[failure.code].message} Reload the page: the app may have been updated meanwhile.`,
        passing: false,
      };
    case "TOO_MANY_ATTEMPTS":
      return {
        title: "Too many attempts",
        text:
          failure.path === ("account.changeEmail" satisfies Path)
            ? "Every attempt counts, so that nobody can find out here which addresses have an account."
            : "The password is not looked at until the wait is over, so that nobody can guess it.",
        passing: true,
        waitSeconds: failure.details.retryAfterSeconds,
      };
    case "TOO_MANY_STREAMS":
      return {
        title: "Too many pages are open",
        text: errors.TOO_MANY_STREAMS.message,
        passing: true,
        waitSeconds: failure.details.retryAfterSeconds,
      };
    case "OVERLOADED":
    case "UNAVAILABLE":
      return {
        title: "The server is busy",
        text: errors[failure.code].message,
        passing: true,
        waitSeconds: failure.details.retryAfterSeconds,
      };
    case "CREDENTIALS_IN_BATCH":
    case "FOREIGN_ORIGIN":
      return {
        title: "This page and the server do not fit together",
        text: `${errors[failure.code].message} Reload the page, at the address that this service is known by.`,
        passing: false,
      };
    case "UNAUTHENTICATED":
    case "INVALID_TOKEN":
    case "SESSION_ENDED":
      return { title: "You need to sign in", text: errors[failure.code].message, passing: false };
    case "REAUTHENTICATION_REQUIRED":
      return {
        title: "You need to sign in again",
        text: "This only works shortly after you signed in. The way to do that could not be loaded: try again in a moment.",
        passing: true,
      };
    case "FIRST_PARTY_ONLY":
    case "ROLE_REQUIRED":
    case "INSUFFICIENT_SCOPE":
    case "USER_REQUIRED":
      return { title: "You may not do this", text: errors[failure.code].message, passing: false };
    case "INVALID_CREDENTIALS":
      return { title: "Not signed in", text: errors[failure.code].message, passing: false };
    case "AUTHORIZATION_NOT_FOUND":
      return { title: "This request is no longer open", text: errors.AUTHORIZATION_NOT_FOUND.message, passing: false };
    case "CLIENT_NOT_FOUND":
      return {
        title: errors.CLIENT_NOT_FOUND.message,
        text: "It may have been deleted meanwhile.",
        passing: false,
      };
    case "NOTE_NOT_FOUND":
      return { title: "There is no such note", text: "It may have been deleted meanwhile.", passing: false };
    case "SESSION_NOT_FOUND":
      return { title: "This session had ended already", text: errors.SESSION_NOT_FOUND.message, passing: false };
    case "PASSWORD_REFUSED":
    case "CLIENT_NAME_REFUSED":
      return { title: "Not saved", text: failure.details.explanation, passing: false };
    case "EMAIL_TAKEN":
    case "PASSWORD_EXISTS":
    case "CLIENT_HAS_NO_SECRET":
    case "PROVIDER_NOT_FOUND":
    case "IDENTITY_NOT_FOUND":
    case "LAST_WAY_IN":
      return { title: "Not saved", text: errors[failure.code].message, passing: false };
  }
};
