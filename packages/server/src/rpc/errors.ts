// Owns errors over RPC: every failure becomes one of the contract's codes.

import type { EngineErrorCode, ErrorDetails, ErrorStatus, Errors, RpcErrorShape } from "@lockstep/kit";
import { TRPCError } from "@trpc/server";
import { type TRPC_ERROR_CODE_KEY, TRPC_ERROR_CODES_BY_KEY } from "@trpc/server/rpc";
import { z } from "zod";
import { DomainError, type RefusedError, refusalOf } from "../domain/kernel/domain-error.ts";
import { challengeFor, formatChallenge } from "../domain/tokens/bearer.ts";

const trpcCodeByStatus = {
  400: "BAD_REQUEST",
  401: "UNAUTHORIZED",
  402: "PAYMENT_REQUIRED",
  403: "FORBIDDEN",
  404: "NOT_FOUND",
  405: "METHOD_NOT_SUPPORTED",
  408: "TIMEOUT",
  409: "CONFLICT",
  412: "PRECONDITION_FAILED",
  413: "PAYLOAD_TOO_LARGE",
  415: "UNSUPPORTED_MEDIA_TYPE",
  422: "UNPROCESSABLE_CONTENT",
  428: "PRECONDITION_REQUIRED",
  429: "TOO_MANY_REQUESTS",
  431: "BAD_REQUEST", // tRPC has no code of its own for it
  499: "CLIENT_CLOSED_REQUEST",
  500: "INTERNAL_SERVER_ERROR",
  501: "NOT_IMPLEMENTED",
  502: "BAD_GATEWAY",
  503: "SERVICE_UNAVAILABLE",
  504: "GATEWAY_TIMEOUT",
} as const satisfies Record<ErrorStatus, TRPC_ERROR_CODE_KEY>;

/** tRPC's own errors as codes of the contract. Others are internal. */
const codeByTrpcCode: Partial<Record<TRPC_ERROR_CODE_KEY, EngineErrorCode>> = {
  PARSE_ERROR: "MALFORMED_REQUEST",
  BAD_REQUEST: "MALFORMED_REQUEST",
  NOT_FOUND: "OPERATION_NOT_FOUND",
  METHOD_NOT_SUPPORTED: "METHOD_NOT_ALLOWED",
  PAYLOAD_TOO_LARGE: "PAYLOAD_TOO_LARGE",
  UNSUPPORTED_MEDIA_TYPE: "UNSUPPORTED_MEDIA_TYPE",
  CLIENT_CLOSED_REQUEST: "CANCELLED",
};

/** A refusal as a tRPC error. */
export const asTrpcError = (error: RefusedError): TRPCError =>
  new TRPCError({ code: trpcCodeByStatus[error.status], message: error.message, cause: error });

/** The contract's error for a failure. */
export const refusalFrom = (error: TRPCError): RefusedError => {
  const refusal = refusalOf(error);
  if (refusal) return refusal;
  if (error.code === "BAD_REQUEST" && error.cause instanceof z.core.$ZodError) {
    return new DomainError("INVALID_INPUT", { issues: error.cause.issues.map(asIssue) });
  }
  return new DomainError(codeByTrpcCode[error.code] ?? "INTERNAL");
};

const asIssue = (issue: z.core.$ZodIssue): ErrorDetails<"INVALID_INPUT">["issues"][number] => ({
  path: issue.path.map((part) => (typeof part === "symbol" ? String(part) : part)),
  message: issue.message,
});

/** The wire shape of an error, with the contract's message: a bug's own message is only logged. */
export const errorShape = (
  error: RefusedError,
  requestId: string,
  path?: string,
): RpcErrorShape<{ errors: Errors }> => {
  const { status, message } = error;
  const challenge = challengeFor(error);
  return {
    message,
    code: TRPC_ERROR_CODES_BY_KEY[trpcCodeByStatus[status]],
    data: {
      code: error.code,
      details: error.details,
      httpStatus: status,
      requestId,
      ...(path !== undefined && { path }),
      ...(challenge !== null && { wwwAuthenticate: formatChallenge(challenge) }),
    },
  };
};
