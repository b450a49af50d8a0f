// Owns how a caller reads the error of a failed call.

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
 * The API did not answer: there is no network or no server, another program answered, or the caller aborted the call.
 * The `cause` of the thrown error says which.
 */
export interface Unreachable {
  readonly code: "UNREACHABLE";
  readonly details: Record<string, never>;
}

/** This platform's `fetch` cannot read a response while it arrives, so it cannot watch. `expo/fetch` can. */
export interface StreamingUnsupported {
  readonly code: "STREAMING_UNSUPPORTED";
  readonly details: Record<string, never>;
}

/** The operations that every backend has. The client itself calls some of them. */
export type EngineRouter = RouterOf<EngineContract>;

/** The errors of a call of the operation at `P` of the contract `C`; narrow them by `code`. */
export type ErrorOf<P extends PathIn<C>, C extends RoutedContract = EngineContract> =
  | RpcErrorData<C["errors"], ErrorCodeOf<OperationIn<C, P>> & keyof C["errors"]>
  | (OperationIn<C, P> extends { readonly kind: "subscription" } ? StreamingUnsupported : never)
  | Unreachable;

/** Reads errors of the operations of the contract `C`. */
export type ErrorReader<C extends RoutedContract> = <P extends PathIn<C>>(
  path: P,
  error: unknown,
) => ErrorOf<P, C> | null;

/**
 * Reads the error of a failed call of `path` as the union that this operation declares. `null`: the error does not come
 * from this call; it may be a bug in the caller's own code. Rethrow it.
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
    if (!isTRPCClientError(error) || error.cause instanceof SetCookieError) return null;
    const data: unknown = error.data;
    if (!isRpcErrorData(data)) return { code: "UNREACHABLE", details: {} };
    // An error has no path when the request failed before the operation was known.
    if (data.path !== undefined && data.path !== path) return null;
    return data as never; // the server answers only with errors that the operation declares
  };

/** Reads the error of a failed call of one of the engine's operations. */
export const errorOf: ErrorReader<EngineContract> = errorReader<EngineContract>();

/**
 * The cause of the error of a call that sets cookies, when they cannot be set in the response to the browser: without
 * `setCookie` of `createServerClient`, or when it throws, which is then the `cause` of this.
 */
export class SetCookieError extends Error {
  override readonly name = "SetCookieError";
}

/** The error of a call; narrow it by `code`. */
export type RpcFailure = RpcErrorData;

/** Reads the error of a failed call of any operation. `null`: the API did not answer. */
export const readFailure = (error: unknown): RpcFailure | null => {
  const data: unknown = isTRPCClientError(error) ? error.data : null;
  return isRpcErrorData(data) ? data : null;
};

/** Whether an error comes from this API. Errors of gateways and of other tRPC servers have no `details`. */
const isRpcErrorData = (data: unknown): data is RpcErrorData => {
  if (typeof data !== "object" || data === null) return false;
  const { code, details } = data as Partial<RpcErrorData>;
  return typeof code === "string" && typeof details === "object" && details !== null;
};
