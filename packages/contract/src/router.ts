// Owns the tRPC router type of a contract. The shapes are written out rather than imported, so that an
// app needs no server type to be typed by them; type tests here and in the server hold them to tRPC's own.

import type { z } from "zod";
import type { Access, Anyone, Scoped } from "./access.ts";
import type { AccessErrorCode, ErrorCode, RpcErrorShape, TransportErrorCode } from "./errors.ts";
import type { AnyOperation, OperationKind } from "./operation.ts";
import type { Scope } from "./scopes.ts";

/** Every code that an operation can be answered with. */
export type ErrorCodeOf<Op> = Op extends {
  readonly access: infer A extends Access;
  readonly errors: readonly (infer E extends ErrorCode)[];
}
  ? TransportErrorCode | AccessErrorCode<A> | E
  : never;

/** A tRPC procedure, as far as callers can tell. */
export interface ProcedureShape<K extends OperationKind, I, O, E> {
  _def: {
    $types: { input: I; output: O; errorShape: E };
    procedure: true;
    type: K;
    meta: unknown;
    experimental_caller: boolean;
    // tRPC's own declarations accept any parser and any options here; nothing of ours depends on them.
    // biome-ignore lint/suspicious/noExplicitAny: any parser, as said
    inputs: any[];
  };
  meta: object;
  // biome-ignore lint/suspicious/noExplicitAny: any options, as said of the parsers
  (options: any): Promise<O>;
}

/** The tRPC procedure of an operation. */
export type ProcedureOf<Op> = Op extends {
  readonly kind: infer K extends OperationKind;
  readonly input: infer I;
  readonly output: infer O;
  readonly access: infer A extends Access;
  readonly errors: readonly (infer E extends ErrorCode)[];
}
  ? ProcedureShape<
      K,
      z.input<I>,
      K extends "subscription" ? AsyncIterable<z.output<O>, void, unknown> : z.output<O>,
      RpcErrorShape<TransportErrorCode | AccessErrorCode<A> | E>
    >
  : never;

/** The tRPC router record of a contract. */
export type RecordOf<C> = { [K in keyof C]: C[K] extends AnyOperation ? ProcedureOf<C[K]> : RecordOf<C[K]> };

/** The tRPC router type of a contract: `type AppRouter = RouterOf<typeof contract>`. */
export type RouterOf<C> = {
  _def: {
    _config: {
      $types: { ctx: object; meta: object; errorShape: RpcErrorShape; transformer: false };
      // biome-ignore lint/suspicious/noExplicitAny: the server's own business
      transformer: any;
      // biome-ignore lint/suspicious/noExplicitAny: the server's own business
      errorFormatter: any;
      allowOutsideOfServer: boolean;
      isServer: boolean;
      isDev: boolean;
      // biome-ignore lint/suspicious/noExplicitAny: the server's own business
      pathSeparator: any;
    };
    router: true;
    procedures: RecordOf<C>;
    record: RecordOf<C>;
    // biome-ignore lint/suspicious/noExplicitAny: the server's own business
    lazy: Record<string, any>;
  };
  // biome-ignore lint/suspicious/noExplicitAny: called on the server, where its own type is at hand
  createCaller: (context: any, options?: any) => any;
};

type MayCall<Op, S extends Scope> = Op extends { readonly access: infer A }
  ? A extends Anyone
    ? true
    : A extends Scoped<infer Needed>
      ? [Needed] extends [S]
        ? true
        : false
      : false
  : false;

/**
 * What is left of a contract for a third party that was granted the scopes `S`: operations open to
 * anyone, and those whose scopes are all among `S`. An area with nothing left disappears.
 */
export type Granted<C, S extends Scope> = {
  [K in keyof C as C[K] extends AnyOperation
    ? MayCall<C[K], S> extends true
      ? K
      : never
    : keyof Granted<C[K], S> extends never
      ? never
      : K]: C[K] extends AnyOperation ? C[K] : Granted<C[K], S>;
};
