// Owns how a caller reads a failed call.

import type {
  EngineContract,
  ErrorCodeOf,
  OperationIn,
  PathIn,
  RoutedContract,
  RouterOf,
  RpcErrorData,
} from "@lockstep/kit";
import { isTRPCClientError } from "@trpc/client";

/**
 * No answer of this API arrived: no network, no server, something else in its place, or the caller's own
 * signal ended the wait. The thrown error's `cause` says which.
 */
export interface Unreachable {
  readonly code: "UNREACHABLE";
  readonly details: Record<string, never>;
}

/** The operations that every backend has, which the client itself calls. */
export type EngineRouter = RouterOf<EngineContract>;

/** What a call of the operation at `P` of the contract `C` can fail with; narrow it by `code`. */
export type ErrorOf<P extends PathIn<C>, C extends RoutedContract = EngineContract> =
  | RpcErrorData<C["errors"], ErrorCodeOf<OperationIn<C, P>> & keyof C["errors"]>
  | Unreachable;

/** Reads errors of the operations of the contract `C`. */
export type ErrorReader<C extends RoutedContract> = <P extends PathIn<C>>(
  path: P,
  error: unknown,
) => ErrorOf<P, C> | null;

/**
 * Reads what a call of `path` failed with, as the union that this operation declared.
 * `null`: not the failure of such a call (a bug in the caller's own code, say), so throw it on.
 *
 * @example
 * ```ts
 * const errorOf = errorReader<typeof contract>();
 * try {
 *   await client.auth.login.mutate({ username, password });
 * } catch (thrown) {
 *   const error = errorOf("auth.login", thrown);
 *   if (!error) throw thrown;
 *   if (error.code === "INVALID_INPUT") return error.details.issues;
 * }
 * ```
 */
export const errorReader =
  <C extends RoutedContract>(): ErrorReader<C> =>
  (path, error) => {
    if (!isTRPCClientError(error)) return null;
    const data: unknown = error.data;
    if (!isRpcErrorData(data)) return { code: "UNREACHABLE", details: {} };
    // What failed before it was known which operation is meant has no path.
    if (data.path !== undefined && data.path !== path) return null;
    return data as never; // what the operation declared, as the server promises
  };

/** The same for the operations that every backend has. */
export const errorOf: ErrorReader<EngineContract> = errorReader<EngineContract>();

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
