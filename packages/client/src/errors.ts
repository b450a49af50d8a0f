// Owns how a caller reads a failed call.

import type { contract, ErrorCodeOf, OperationAt, PathOf, RpcErrorData } from "@lockstep/contract";
import { isTRPCClientError } from "@trpc/client";

/** No answer of this API arrived: no network, no server, or something else in its place. */
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
 */
export const errorOf = <P extends PathOf<typeof contract>>(path: P, error: unknown): ErrorOf<P> | null => {
  if (!isTRPCClientError(error)) return null;
  const data = error.data as (RpcErrorData & { path?: string }) | undefined;
  if (!data) return { code: "UNREACHABLE", details: {} };
  if (data.path !== undefined && data.path !== path) return null;
  return data as ErrorOf<P>;
};
