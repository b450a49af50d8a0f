// Owns how a caller reads a failed call.

import type { contract, ErrorCodeOf, OperationAt, PathOf, RpcErrorData } from "@lockstep/contract";
import { isTRPCClientError } from "@trpc/client";

/**
 * No answer of this API arrived: no network, no server, something else in its place, or the caller's own
 * signal ended the wait. The thrown error's `cause` says which.
 */
export interface Unreachable {
  readonly code: "UNREACHABLE";
  readonly details: Record<string, never>;
}

/** What a call of the operation at `P` can fail with; narrow it by `code`. */
export type ErrorOf<P extends PathOf<typeof contract>> =
  | RpcErrorData<ErrorCodeOf<OperationAt<typeof contract, P>>>
  | Unreachable;

/**
 * Reads what a call of `path` failed with, as the union that this operation declared.
 * `null`: not the failure of such a call (a bug in the caller's own code, say), so throw it on.
 *
 * @example
 * ```ts
 * try {
 *   await client.auth.login.mutate({ username, password });
 * } catch (thrown) {
 *   const error = errorOf("auth.login", thrown);
 *   if (!error) throw thrown;
 *   if (error.code === "INVALID_INPUT") return error.details.issues;
 * }
 * ```
 */
export const errorOf = <P extends PathOf<typeof contract>>(path: P, error: unknown): ErrorOf<P> | null => {
  if (!isTRPCClientError(error)) return null;
  const data: unknown = error.data;
  if (!isRpcErrorData(data)) return { code: "UNREACHABLE", details: {} };
  // What failed before it was known which operation is meant has no path.
  if (data.path !== undefined && data.path !== path) return null;
  return data as ErrorOf<P>;
};

/** What a call was answered with; narrow it by `code`. */
export type RpcFailure = RpcErrorData;

/** The answer of this API that a failure stands for, whichever operation it was; `null` when there was none. */
export const readFailure = (error: unknown): RpcFailure | null => {
  const data: unknown = isTRPCClientError(error) ? error.data : null;
  return isRpcErrorData(data) ? data : null;
};

/** Whether an answer is this API's; a gateway's, or another tRPC server's, has no `details`. */
const isRpcErrorData = (data: unknown): data is RpcErrorData => {
  if (typeof data !== "object" || data === null) return false;
  const { code, details } = data as Partial<RpcErrorData>;
  return typeof code === "string" && typeof details === "object" && details !== null;
};
