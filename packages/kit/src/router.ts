// Owns the tRPC router type of a contract. The shapes are written out rather than imported, so that an app needs no
// server types; type tests here and in the server compare them with tRPC's own.

import type { z } from "zod";
import type { Anyone, Scoped } from "./access.ts";
import type { AccessErrorCode, Errors, RpcErrorShape, TransportErrorCode } from "./errors.ts";
import type { AnyOperation, OperationKind } from "./operation.ts";
import type { WithZod } from "./with-zod.ts";

/** Every error code that an operation can fail with. */
export type ErrorCodeOf<Op> = Op extends { readonly access: infer A; readonly errors: readonly (infer E)[] }
  ? TransportErrorCode | AccessErrorCode<A> | E
  : never;

/**
 * A tRPC procedure, as far as callers can tell.
 * @internal
 */
export interface ProcedureShape<K extends OperationKind, I, O, E> {
  _def: {
    $types: { input: I; output: O; errorShape: E };
    procedure: true;
    type: K;
    meta: unknown;
    experimental_caller: boolean;
    // biome-ignore lint/suspicious/noExplicitAny: tRPC's own declaration accepts any parser here
    inputs: any[];
  };
  meta: object;
  // biome-ignore lint/suspicious/noExplicitAny: tRPC's own declaration accepts any options here
  (options: any): Promise<O>;
}

/**
 * The tRPC procedure of an operation of the contract `C`.
 * @internal
 */
export type ProcedureOf<C extends RoutedContract, Op> = Op extends {
  readonly kind: infer K extends OperationKind;
  readonly input: infer I;
  readonly output: infer O;
  readonly access: infer A;
  readonly errors: readonly (infer E extends string)[];
}
  ? ProcedureShape<
      K,
      z.input<I>,
      K extends "subscription" ? AsyncIterable<z.output<O>, void, unknown> : z.output<O>,
      RpcErrorShape<C, (TransportErrorCode | AccessErrorCode<A> | E) & keyof C["errors"]>
    >
  : never;

/**
 * The tRPC router record of a tree of operations of the contract `C`.
 * @internal
 */
export type RecordOf<C extends RoutedContract, T = C["operations"]> = {
  [K in keyof T]: T[K] extends AnyOperation ? ProcedureOf<C, T[K]> : RecordOf<C, T[K]>;
};

/**
 * The part of a contract that determines its router type.
 * @internal
 */
export interface RoutedContract {
  readonly errors: Errors;
  readonly operations: unknown;
}

/** The tRPC router type of a contract: `type AppRouter = RouterOf<typeof contract>`. */
export type RouterOf<C extends RoutedContract> = {
  _def: {
    _config: {
      $types: { ctx: object; meta: object; errorShape: RpcErrorShape<C>; transformer: false };
      // biome-ignore lint/suspicious/noExplicitAny: only the server reads it, where it has its own type
      transformer: any;
      // biome-ignore lint/suspicious/noExplicitAny: only the server reads it, where it has its own type
      errorFormatter: any;
      allowOutsideOfServer: boolean;
      isServer: boolean;
      isDev: boolean;
      // biome-ignore lint/suspicious/noExplicitAny: only the server reads it, where it has its own type
      pathSeparator: any;
    };
    router: WithZod<true>;
    procedures: RecordOf<C>;
    record: RecordOf<C>;
    // biome-ignore lint/suspicious/noExplicitAny: only the server reads it, where it has its own type
    lazy: Record<string, any>;
  };
  // biome-ignore lint/suspicious/noExplicitAny: called on the server, where its own type is at hand
  createCaller: (context: any, options?: any) => any;
};

type MayCall<Op, S extends string> = Op extends { readonly access: infer A }
  ? A extends Anyone
    ? true
    : A extends Scoped<infer Needed>
      ? [Needed] extends [S]
        ? true
        : false
      : false
  : false;

/**
 * The operations of a tree that a third-party client with the scopes `S` may call: those open to anyone, and those
 * whose scopes are all among `S`. An area with nothing left disappears.
 * @internal
 */
export type GrantedOperations<T, S extends string> = {
  [K in keyof T as T[K] extends AnyOperation
    ? MayCall<T[K], S> extends true
      ? K
      : never
    : keyof GrantedOperations<T[K], S> extends never
      ? never
      : K]: T[K] extends AnyOperation ? T[K] : GrantedOperations<T[K], S>;
};

/** The part of a contract that a third-party client with the scopes `S` may call. */
export interface Granted<C extends RoutedContract, S extends string> extends RoutedContract {
  readonly errors: C["errors"];
  readonly operations: GrantedOperations<C["operations"], S>;
}
